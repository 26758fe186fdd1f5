"""A failing test shows the logs of the children it started; two processes share a run of all tests (`-n 2`)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.phones import child

# Tests whose phones and pages are measured by the clock: one share, so they never run beside each other.
IN_REAL_TIME = ("tests/e2e/", "tests/demo/test_demo.py", "tests/browser/")
# Of these, the long ones in which no tenth of a second counts: they run beside the others.
PATIENT = ("tests/e2e/test_bad_callers.py",)
# Tests that wait more than they compute: good neighbours for those.
QUIET = ("tests/sip_worker/", "tests/sip_edge/", "tests/phones/", "tests/demo/", "tests/console/")
NICE = 10  # a tenth of a core, where both are wanted
_gives_way = False


def _in_real_time(nodeid: str) -> bool:
    return nodeid.startswith(IN_REAL_TIME) and not nodeid.startswith(PATIENT)


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """The tests in real time are one share, any other file is one; shares are handed out in the items' order."""

    def _split_scope(self, nodeid: str) -> str:
        return "in real time" if _in_real_time(nodeid) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Shares:
    config.option.loadscopereorder = False
    return Shares(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def order(item: pytest.Item) -> tuple[bool, bool, bool]:
        name = item.nodeid
        return not _in_real_time(name), not name.startswith(PATIENT), not name.startswith(QUIET)

    items.sort(key=order)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Who runs another share gives way to the one in real time, which was handed out first and is never its next."""
    global _gives_way
    if "PYTEST_XDIST_WORKER" in os.environ and not _gives_way and not _in_real_time(item.nodeid):
        _gives_way = True
        os.nice(NICE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]  # pluggy's wrapper protocol
    if report.failed:
        report.sections += [one.report() for one in child.started]
    if call.when == "teardown":
        child.forget_stopped()
    return report  # type: ignore[return-value]
