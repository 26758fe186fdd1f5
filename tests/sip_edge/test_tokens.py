"""Dial tokens and the edge's signature: good for exactly what they were made for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_engine.wire.tokens import (
    DialToken,
    InvalidToken,
    edge_signature,
    issue_token,
    verify_edge_signature,
    verify_token,
)

SECRET = b"k" * 32
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@given(NAMES, NAMES, st.floats(1e9, 3e9))
def test_a_token_tells_what_it_was_issued_for(leg: str, target: str, expires_at: float) -> None:
    """Verified with the same secret before its end, it gives leg, target and end back."""
    token = issue_token(SECRET, leg, target, expires_at)
    assert verify_token(SECRET, token, expires_at - 1) == DialToken(leg, target, expires_at)
    assert token.isascii()
    assert not set(token) & set(' ,;<>"\r\n')


def test_a_token_ends() -> None:
    """After `expires_at` it opens nothing."""
    with pytest.raises(InvalidToken, match="expired"):
        verify_token(SECRET, issue_token(SECRET, "leg", "maria", 100.0), 100.1)


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_changed_token_is_refused(at: int, char: str) -> None:
    """No other character anywhere is accepted."""
    token = issue_token(SECRET, "leg", "maria", 2e9)
    changed = token[: at % len(token)] + char + token[at % len(token) + 1 :]
    if changed != token and verified(changed):
        # base64's last character has spare bits: the same bytes may be written in two ways, and say the same
        assert verify_token(SECRET, changed, 1.0) == verify_token(SECRET, token, 1.0)


def verified(token: str) -> bool:
    try:
        verify_token(SECRET, token, 1.0)
    except InvalidToken:
        return False
    return True


@given(st.text(max_size=80))
def test_any_text_is_verified_or_refused(text: str) -> None:
    """Nothing but InvalidToken is raised."""
    assert not verified(text)


def test_control_characters_cannot_smuggle_a_field() -> None:
    """The separator of the fields may not stand in one of them."""
    with pytest.raises(ValueError, match="control"):
        issue_token(SECRET, "leg\x1fmaria", "x", 1.0)


def test_the_edges_signature_holds_for_one_call_and_source() -> None:
    """Another Call-ID, source or secret does not verify."""
    signature = edge_signature(SECRET, "c1", "guest")
    assert verify_edge_signature(SECRET, "c1", "guest", signature)
    assert not verify_edge_signature(SECRET, "c2", "guest", signature)
    assert not verify_edge_signature(SECRET, "c1", "account:maria", signature)
    assert not verify_edge_signature(b"other", "c1", "guest", signature)
    assert not verify_edge_signature(SECRET, "c1", "guest", "é")
