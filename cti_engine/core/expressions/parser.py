"""Text to syntax tree, by recursive descent: or < and < not < comparison < literal, name, list, parentheses.

Keywords are lower case; nothing is ever executed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from cti_engine.core.expressions.syntax import (
    Comparison,
    ExpressionError,
    Junction,
    ListLiteral,
    Literal,
    Name,
    Node,
    Not,
)
from cti_engine.core.expressions.values import BOOLEAN, DURATION, NUMBER, TEXT, seconds

MAX_LENGTH = 4000
MAX_DEPTH = 40

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<duration>\d+(?:\.\d+)?(?:ms|s|m|h|d)\b)
      | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
      | (?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"and", "or", "not", "in", "has", "true", "false"})
_HINTS = {
    "=": "write == to compare",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    '"': "the text is not closed",
    "'": "the text is not closed",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # duration, number, text, name, or the sign or keyword itself; "end" after the last
    text: str
    column: int


def parse(text: str, *, limit: int = MAX_LENGTH) -> Node:
    """Raises ExpressionError. `limit` in characters."""
    if len(text) > limit:
        raise ExpressionError(1, f"longer than {limit} characters", "spread it over several steps")
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            hint = _HINTS.get(text[at], "a number, then ms, s, m, h or d" if text[at].isdigit() else "")
            raise ExpressionError(at + 1, f"{text[at : at + 12].split()[0]!r} is not understood", hint)
        kind = str(match.lastgroup)
        if kind != "space":
            word = match[0]
            if kind == "sign" or (kind == "name" and word in _KEYWORDS):
                kind = word
            tokens.append(_Token(kind, word, at + 1))
        at = match.end()
    tokens.append(_Token("end", "", len(text) + 1))
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _took(self, kind: str) -> bool:
        if self._next.kind != kind:
            return False
        self._at += 1
        return True

    def _expect(self, kind: str, opened: _Token) -> None:
        if not self._took(kind):
            found = self._next.text or "the end"
            raise ExpressionError(
                self._next.column,
                f"expected {kind}, found {found}",
                f"{opened.text} opened at column {opened.column}",
            )

    def whole(self) -> Node:
        if self._next.kind == "end":
            raise ExpressionError(1, "the condition is empty", 'e.g. call.segment == "gold"')
        node = self._or()
        if self._next.kind != "end":
            raise ExpressionError(
                self._next.column, f"{self._next.text!r} is not expected here", "join conditions with and, or"
            )
        return node

    def _or(self) -> Node:
        return self._junction("or", self._and)

    def _and(self) -> Node:
        return self._junction("and", self._not)

    def _junction(self, operator: str, operand: Callable[[], Node]) -> Node:
        column = self._next.column
        operands = [operand()]
        while self._took(operator):
            operands.append(operand())
        return operands[0] if len(operands) == 1 else Junction(operator, tuple(operands), column)

    def _not(self) -> Node:
        column = self._next.column
        if not self._took("not"):
            return self._comparison()
        self._deeper(column)
        node = Not(self._not(), column)
        self._depth -= 1
        return node

    def _comparison(self) -> Node:
        column = self._next.column
        left = self._operand()
        operator = self._comparison_operator()
        if not operator:
            return left
        node = Comparison(operator, left, self._operand(), column)
        again = self._next
        if self._comparison_operator():
            raise ExpressionError(again.column, "comparisons do not chain", "write a < b and b < c")
        return node

    def _comparison_operator(self) -> str:
        token = self._next
        if token.kind in ("==", "!=", "<", "<=", ">", ">=", "in", "has"):
            self._at += 1
            return token.kind
        if token.kind == "not" and self._tokens[self._at + 1].kind == "in":
            self._at += 2
            return "not in"
        return ""

    def _operand(self) -> Node:
        token = self._take()
        if token.kind == "(":
            self._deeper(token.column)
            node = self._or()
            self._expect(")", token)
            self._depth -= 1
            return node
        if token.kind == "[":
            return self._list(token)
        if token.kind == "name":
            return Name(token.text, token.column)
        return self._literal(token)

    def _list(self, opened: _Token) -> ListLiteral:
        items: list[Literal] = []
        while not self._took("]"):
            if items:
                self._expect(",", opened)
            token = self._take()
            if token.kind == "name":
                raise ExpressionError(
                    token.column,
                    f"{token.text} is a name; a list holds values only",
                    f'write "{token.text}" for text',
                )
            items.append(self._literal(token))
        return ListLiteral(tuple(items), opened.column)

    def _literal(self, token: _Token) -> Literal:
        word, column = token.text, token.column
        if token.kind in ("true", "false"):
            return Literal(word == "true", BOOLEAN, column)
        if token.kind == "number":
            return Literal(float(word) if "." in word else int(word), NUMBER, column)
        if token.kind == "duration":
            amount = word.rstrip("mshd")
            return Literal(seconds(amount, word[len(amount) :]), DURATION, column)
        if token.kind == "text":
            return Literal(_unquoted(word, column), TEXT, column)
        if token.kind == "end":
            raise ExpressionError(column, "the condition ends too early", "a value or a name is missing")
        raise ExpressionError(column, f"{word!r} is not expected here", "a value or a name belongs here")

    def _deeper(self, column: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(column, f"nested deeper than {MAX_DEPTH}", "take some parentheses away")


def _unquoted(word: str, column: int) -> str:
    inner = word[1:-1]
    if word[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        raise ExpressionError(
            column, f"{word} has an unknown escape", "a backslash is written \\\\"
        ) from None
