"""Words as cases are found by: without capitals, accents, plurals and the words that stand in every text (es, en).

The same for what is kept and for what is asked, so that SQLite and PostgreSQL need no rules of their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_LEAST = 2
LONGEST = 40
"""Letters of a word that count; a longer one is no word that anybody looks for."""

_COMMON_WORDS = """
    a al algo ante antes asi aun bien cada casi como con cual cuando de del desde donde dos e el ella ellas ellos en
    entre era es esa ese eso esta estan estaba estar este esto estos fue ha hace hacer han hasta hay he hoy la las le
    les lo los mas me mi mis muy nada ni no nos o otra otro para pero por porque pues que quien se sea segun ser si sin
    sobre solo son su sus tambien tan te tiene tienen toda todo todos tras tu un una uno unos usted y ya yo
    am an and are as at be been but by can did do does for from had has have her his how i if in into is it its just
    may more my not of off on only or our out over she should so some such than that the their them then there these
    they this those to too up us was we were what when where which who will with would you your
    cliente clienta clientes llama llamo dice quiere customer caller calls called says wants
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def plain(text: str) -> str:
    """`Conexión` as `conexion`."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def words_of(text: str) -> Iterator[str]:
    """In their order, with repetitions."""
    for found in _WORD.finditer(plain(text)):
        word = found[0][:LONGEST]
        if len(word) >= _LEAST and word not in _COMMON:
            yield stem(word)


def stem(word: str) -> str:
    """`facturas` and `factura`, `conexiones` and `conexion`, `lines` and `line` are one word each. Numbers stay."""
    if len(word) <= 3 or word.isdecimal():
        return word
    word = word.removesuffix("s")
    return word.removesuffix("e") if len(word) > 3 else word
