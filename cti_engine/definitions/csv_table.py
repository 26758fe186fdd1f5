"""A CSV file as rows with their line, a few at a time however long it is; what is wrong with it is said in one line.

Spreadsheets write many encodings and separators: whatever can be told apart for certain is read, with a note.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
_CHUNK = 1 << 20
_FORMULA = ("=", "@")
"""A cell that begins so is run by a spreadsheet that shows it. `+` and `-` begin numbers; exports quote them."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    line: int
    reason: str


class UnusableFile(Exception):
    """Nothing of the file can be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """`lines` in all, for a progress bar. `note`: what an admin should know of how it was read; mostly empty."""

    path: Path
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    lines: int
    note: str

    def rows_as(self, make: Callable[[int, dict[str, str]], _T]) -> Iterator[_T | RefusedRow]:
        """What `make` makes of line and cells; its ValueError says why the row is refused. Raises UnusableFile."""
        for row in self.rows():
            if isinstance(row, RefusedRow):
                yield row
                continue
            try:
                yield make(*row)
            except ValueError as error:
                yield RefusedRow(row[0], str(error))

    def rows(self) -> Iterator[tuple[int, dict[str, str]] | RefusedRow]:
        """Line and stripped cells of each row, or why it is none. Raises UnusableFile when the disk fails."""
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                reader = csv.DictReader(file, self.columns, "", delimiter=self.delimiter, strict=True)
                next(reader)
                yield from self._rows(reader)
        except OSError as error:
            raise UnusableFile(f"{self.path} cannot be read: {error.strerror}") from error

    @staticmethod
    def _rows(reader: csv.DictReader[str]) -> Iterator[tuple[int, dict[str, str]] | RefusedRow]:
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield RefusedRow(reader.line_num, f"not CSV: {error}")
                continue
            if None in cells.values() or cells.get(""):
                yield RefusedRow(reader.line_num, "it has another number of cells than the heading")
                continue
            stripped = {name: value.strip() for name, value in cells.items()}
            formula = next((name for name, value in stripped.items() if value.startswith(_FORMULA)), None)
            if formula is not None:
                text = stripped[formula][:20]
                yield RefusedRow(reader.line_num, f"{formula} begins like a formula: {text!r}")
            else:
                yield reader.line_num, stripped


def open_table(path: Path, required: Sequence[str], optional: Sequence[str]) -> CsvTable:
    """Look at its encoding, separator and heading. Raises UnusableFile."""
    try:
        encoding, note, lines = _looked_at(path)
        with path.open(encoding=encoding, newline="") as file:
            heading = file.readline(_CHUNK)
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror}") from error
    delimiter = max(",;\t", key=heading.count)  # spreadsheets in Spanish write semicolons
    names = next(csv.reader([heading], delimiter=delimiter), [])
    columns = tuple(name.strip().lower() for name in names)
    known = (*required, *optional)
    missing = [name for name in required if name not in columns]
    if missing:
        raise UnusableFile(f"{path}:1: no column {' and no column '.join(missing)}: use {', '.join(known)}")
    wrong = [name for name in columns if name not in known or columns.count(name) > 1]
    if wrong:
        raise UnusableFile(f"{path}:1: column {wrong[0]!r} twice or unknown: use {', '.join(known)}")
    return CsvTable(path, encoding, delimiter, columns, lines, note)


def _looked_at(path: Path) -> tuple[str, str, int]:
    """Encoding, note and number of lines."""
    with path.open("rb") as file:
        begins = file.read(4)
    if begins.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        lines = _decoded(path, "utf-16")
        if lines is None:
            raise UnusableFile(f"{path} begins as UTF-16 and is not: save it as 'CSV UTF-8'")
        return "utf-16", "it is UTF-16 ('Unicode text'), and was read as such", lines
    lines = _decoded(path, "utf-8-sig")
    if lines is not None:
        return "utf-8-sig", "", lines
    lines = _decoded(path, "cp1252")
    if lines is None:
        raise UnusableFile(f"{path} is not UTF-8: save it as 'CSV UTF-8'")
    return (
        "cp1252",
        "it is not UTF-8 and was read as Windows-1252: look whether accents came out right",
        lines,
    )


def _decoded(path: Path, encoding: str) -> int | None:
    """How many lines; None if it is not in this encoding. Zero bytes are text in none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                return None
            if "\0" in text:
                return None
            lines += text.count("\n")
            if not chunk:
                return lines
