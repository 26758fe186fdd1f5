"""Robot callers and robot agents who join a running center: `cti-engine demo`."""

from cti_engine.runtime.demo.run import run_demo

__all__ = ["run_demo"]
