"""A failing test shows the logs of the children it started; a long-lived child's log is shown too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.phones import child


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]  # pluggy's wrapper protocol
    if report.failed:
        report.sections += [one.report() for one in child.started]
    if call.when == "teardown":
        child.forget_stopped()
    return report  # type: ignore[return-value]
