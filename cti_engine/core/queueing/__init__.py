"""Queueing theory of contact centers, exact: Erlang B, C and A, priorities, staffing. Pure functions of rates."""

from cti_engine.core.queueing.erlang_a import ErlangA, ServiceLevel
from cti_engine.core.queueing.erlang_b import ErlangB, load_for_blocking
from cti_engine.core.queueing.erlang_c import ErlangC
from cti_engine.core.queueing.priorities import SharedServers
from cti_engine.core.queueing.staffing import Targets, servers_for, servers_for_blocking

__all__ = [
    "ErlangA", "ErlangB", "ErlangC", "ServiceLevel", "SharedServers", "Targets", "load_for_blocking", "servers_for",
    "servers_for_blocking",
]  # fmt: skip
