"""The header section of a SIP message: names in any case or compact form, values in order.

sipmessage's own keeps a list and compares every name with every other, which was a quarter of an edge's work.
Its grammar is still what reads URIs and addresses.
"""

from __future__ import annotations

from sipmessage.message import COMPACT_FORMS


class HeaderFields:
    """Fields of one name stand together when written; their order among each other is kept (RFC 3261 7.3.1)."""

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, tuple[str, list[str]]] = {}  # by lower-case name: name as written, values

    @classmethod
    def parse(cls, lines: list[str]) -> HeaderFields:
        """Raises ValueError for a line without name or colon."""
        headers = cls()
        fields = headers._fields
        for line in lines:
            name, colon, value = line.partition(":")
            key = name.lower()
            if len(key) < 2 or not colon:
                if not key or not colon:
                    raise ValueError("a header line without name or colon")
                name = COMPACT_FORMS.get(key, name)
                key = name.lower()
            if key in fields:
                fields[key][1].append(value.strip())
            else:
                fields[key] = (name, [value.strip()])
        return headers

    def get(self, name: str) -> str | None:
        """The first value of that name."""
        known = self._fields.get(name.lower())
        return known[1][0] if known else None

    def getlist(self, name: str) -> list[str]:
        """All values; the list is the header's own and may be changed."""
        known = self._fields.get(name.lower())
        return known[1] if known else []

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1][0]

    def set(self, name: str, value: str) -> None:
        self._fields[name.lower()] = (name, [value])

    def add(self, name: str, value: str) -> None:
        self._fields.setdefault(name.lower(), (name, []))[1].append(value)

    def setlist(self, name: str, values: list[str]) -> None:
        """Without values the header is gone."""
        if values:
            self._fields[name.lower()] = (name, values)
        else:
            self.remove(name)

    def remove(self, name: str) -> None:
        self._fields.pop(name.lower(), None)

    def names(self) -> list[str]:
        """In lower case."""
        return list(self._fields)

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\r\n" for name, values in self._fields.values() for value in values])
