"""The child of `reload.read_apart`: reads the files of the home that it is given, and prints what they are, pickled."""

from __future__ import annotations

import gc
import pickle
import sys
from pathlib import Path

gc.disable()  # it lives for a second: nothing of it is worth looking for

from cti_engine.definitions.library import load_definitions  # noqa: E402

if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(load_definitions(Path(sys.argv[1]))))
