"""Secrets stay out of a stream, however it is cut."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusionpipe.runner.mask import Mask

SECRET = "s3cret/to+ken=ü\"'"


def masked(values: list[str], chunks: list[bytes]) -> bytes:
    mask = Mask(values)
    return b"".join([*(mask.feed(chunk) for chunk in chunks), mask.finish()])


texts = st.text(alphabet="abA/+ =\n", min_size=0, max_size=40)
values = st.lists(st.text(alphabet="abA/+", min_size=1, max_size=6), min_size=1, max_size=4)


@given(values, st.lists(texts, max_size=6))
def test_how_the_stream_is_cut_makes_no_difference(secrets: list[str], chunks: list[str]) -> None:
    data = [chunk.encode() for chunk in chunks]
    assert masked(secrets, data) == masked(secrets, [b"".join(data)])


@given(values, st.lists(texts, max_size=6))
def test_no_secret_is_left_in_what_is_shown(secrets: list[str], chunks: list[str]) -> None:
    shown = masked(secrets, [chunk.encode() for chunk in chunks])
    # What stands between two masks was not changed, so a secret in it would have been missed.
    assert not [s for s in secrets for part in shown.split(b"***") if s.encode() in part]


@given(st.binary(max_size=200), st.integers(1, 7))
def test_text_without_secrets_is_shown_byte_for_byte(data: bytes, size: int) -> None:
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert masked(["no such thing anywhere"], chunks) == data


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        repr(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"me:{SECRET}!".encode()).decode(),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_every_common_form_of_a_value_is_masked(form: str, size: int) -> None:
    data = f"<{form}>\n".encode()
    shown = masked([SECRET], [data[at : at + size] for at in range(0, len(data), size)])
    assert b"***" in shown
    left = shown.replace(b"***", b"")
    # Of a base64 text, the characters at either end also depend on what lies beside the value.
    assert len(left) <= 12
    assert SECRET.encode() not in shown


def test_each_line_of_a_long_value_is_masked_on_its_own() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"
    assert masked([key], [b"line: MIIEvQIBADANBg\r\n"]) == b"line: ***\r\n"


def test_the_longer_of_two_secrets_is_masked_whole_across_chunks() -> None:
    assert masked(["abc", "abcdef"], [b"x abc", b"def abc", b"d"]) == b"x *** ***d"


def test_an_empty_value_masks_nothing() -> None:
    assert masked([""], [b"text"]) == b"text"


def test_ordinary_lines_are_not_held_back() -> None:
    assert Mask(["secret"]).feed(b"a line\n") == b"a line\n"
