"""A running center, as in tests/e2e."""

from __future__ import annotations

from tests.e2e.conftest import center, everyday, own, pytest_runtest_makereport, shared

__all__ = ["center", "everyday", "own", "pytest_runtest_makereport", "shared"]
