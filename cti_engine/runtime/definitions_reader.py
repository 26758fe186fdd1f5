"""The child of `reload.FilesReader`: waits for the name of a home, reads its files, prints what they are, pickled."""

from __future__ import annotations

import gc
import pickle
import sys
from pathlib import Path

gc.disable()  # it reads once: nothing of it is worth looking for

import holidays  # noqa: E402, F401  # calendars import it when they are read; its countries would be 10 MB more

from cti_engine.definitions.library import load_definitions  # noqa: E402

if __name__ == "__main__":
    home = sys.stdin.read()
    if home:  # else whoever started it is gone
        sys.stdout.buffer.write(pickle.dumps(load_definitions(Path(home))))
