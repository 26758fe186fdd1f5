"""A running center per test file, as in tests/e2e."""

from __future__ import annotations

from tests.e2e.conftest import center, pytest_runtest_makereport, shared

__all__ = ["center", "pytest_runtest_makereport", "shared"]
