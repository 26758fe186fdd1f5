"""`python -m tests.console.serve FILE`: one console process, from its pickled configuration."""

from __future__ import annotations

import logging
import pickle
import sys
from pathlib import Path

from agent_console.main import serve

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    serve(pickle.loads(Path(sys.argv[1]).read_bytes()))
