"""Creates the pjsip library in silence: pjlib prints its birth to stdout before a log level can be set."""

from __future__ import annotations

import os
from typing import Any


def create_quietly(endpoint: Any) -> None:
    """`endpoint` is a pj.Endpoint that has not been created yet."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        endpoint.libCreate()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
