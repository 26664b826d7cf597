"""Cursors: opaque, URL-safe text that says where a page ended, and of which question it was a page."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from dormparty_sse.domain.errors import InvalidRequest

MOST_ITEMS = 500  #: Of a page.
_LARGEST_NUMBER = 2**53  # Lua's numbers are exact up to here


def check_limit(limit: int, field: str = "limit") -> None:
    """Raises InvalidRequest for a page that is empty or too large."""
    if not 1 <= limit <= MOST_ITEMS:
        raise InvalidRequest.of(field, f"A page must have 1 to {MOST_ITEMS} items.")


def check_number(number: int, field: str) -> None:
    """Raises InvalidRequest for what is no score, or none that Lua could tell from its neighbours."""
    if not 0 <= number <= _LARGEST_NUMBER:
        raise InvalidRequest.of(field, f"A number must be 0 to {_LARGEST_NUMBER}.")


def no_cursor() -> InvalidRequest:
    """The error for text that is no cursor."""
    return InvalidRequest.of("cursor", "There is no such cursor.")


def write_cursor(question: str, number: int, text: str) -> str:
    """A cursor: after the item with this number (a score) and text (a member)."""
    return urlsafe_b64encode(json.dumps([question, number, text]).encode()).rstrip(b"=").decode()


def read_cursor(cursor: str | None, question: str) -> tuple[int, str] | None:
    """Where the page before ended, or None for the first page. Raises InvalidRequest for a foreign cursor."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        asked, number, text = json.loads(urlsafe_b64decode(padded))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise no_cursor() from error
    of_ours = type(number) is int and 0 <= number <= _LARGEST_NUMBER and isinstance(text, str)
    if asked != question or not (of_ours and text.isprintable()):
        raise InvalidRequest.of("cursor", "This cursor is of another list.")
    return number, text
