"""A failing test shows the logs of the children it started; three processes share a run of all tests (`-n 3`)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.phones import child

# Tests whose phones and pages are measured by the clock: one share, so they never run beside each other.
MEASURED = (
    "tests/browser/",  # the first: meanwhile others make the prompts
    "tests/e2e/test_a_call.py",
    "tests/e2e/test_dead_air.py",
    "tests/e2e/test_endings.py",
    "tests/e2e/test_flow_walks.py",
    "tests/e2e/test_kills.py",
    "tests/e2e/test_many.py",
    "tests/e2e/test_pop.py",
)
# Other whole centers, in whose calls no tenth of a second counts: a second share, beside the first.
PATIENT = (
    "tests/e2e/",
    "tests/demo/test_demo.py",
    "tests/webrtc_gateway/test_browser.py",
    "tests/webrtc_gateway/test_calls.py",
    "tests/webrtc_gateway/test_walk.py",
)
# Tests that wait more than they compute: good neighbours for those.
QUIET = (
    "tests/sip_worker/",
    "tests/sip_edge/",
    "tests/phones/",
    "tests/demo/",
    "tests/console/",
    "tests/webrtc_gateway/",
)
SHARES = ("measured", "patient")
NICE = {"measured": 0, "patient": 2, "quiet": 3, "": 10}
"""By share; what computes has a tenth of a core where all are wanted."""
_nice = 0


def _share(nodeid: str) -> str:
    if nodeid.startswith(MEASURED):
        return "measured"
    return "patient" if nodeid.startswith(PATIENT) else nodeid.partition("::")[0]


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Each of the two shares in real time is one, any other file is one; they are handed out in the items' order."""

    def _split_scope(self, nodeid: str) -> str:
        return _share(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Shares:
    config.option.loadscopereorder = False
    return Shares(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def order(item: pytest.Item) -> tuple[int, int]:
        share = _share(item.nodeid)
        place = SHARES.index(share) if share in SHARES else len(SHARES)
        quick_first = MEASURED if share == "measured" else QUIET
        return place, next((n for n, start in enumerate(quick_first) if item.nodeid.startswith(start)), 99)

    items.sort(key=order)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Who runs another share gives way to the measured one; there is no way back, and nobody has it as a later one."""
    global _nice
    share = _share(item.nodeid)
    wanted = NICE[share if share in SHARES else "quiet" if item.nodeid.startswith(QUIET) else ""]
    if "PYTEST_XDIST_WORKER" in os.environ and wanted > _nice:
        os.nice(wanted - _nice)
        _nice = wanted


def pytest_configure(config: pytest.Config) -> None:
    """Where all processes of this run keep the prompts that one of them makes (tests/e2e/world.py)."""
    if "CTI_TEST_PROMPTS" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="cti-prompts-")
        os.environ["CTI_TEST_PROMPTS"] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]  # pluggy's wrapper protocol
    if report.failed:
        report.sections += [one.report() for one in child.started]
    if call.when == "teardown":
        child.forget_stopped()
    return report  # type: ignore[return-value]
