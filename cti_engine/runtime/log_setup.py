"""Logs: one line an entry, one file a process in var/log, rotated; warnings of all processes on the terminal too."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from dataclasses import dataclass
from pathlib import Path

SIZE, KEPT = 10_000_000, 3
FORMAT = "%(asctime)s.%(msecs)03d %(levelname).1s %(name)s: %(message)s"


@dataclass(frozen=True, slots=True)
class LogSettings:
    folder: Path
    level: str = "INFO"
    terminal: bool = True


def log_to(settings: LogSettings, process: str) -> None:
    """Send this process's log to `<folder>/<process>.log`; workers share one file per slot of their name."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.setLevel(settings.level)
    formatter = logging.Formatter(FORMAT, "%Y-%m-%d %H:%M:%S")
    name = process.partition("@")[0]
    to_file = logging.handlers.RotatingFileHandler(
        settings.folder / f"{name}.log", maxBytes=SIZE, backupCount=KEPT, delay=True
    )
    to_file.setFormatter(formatter)
    root.addHandler(to_file)
    if settings.terminal:
        to_terminal = logging.StreamHandler(sys.stderr)
        to_terminal.setLevel(logging.WARNING)
        to_terminal.setFormatter(logging.Formatter(f"{name}: %(levelname)s %(message)s"))
        root.addHandler(to_terminal)
