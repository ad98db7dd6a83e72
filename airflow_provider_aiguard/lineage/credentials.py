"""Hides passwords and tokens by how they are written: after a name that says so, or inside a URL.

Every pattern here takes a time that grows with the length of a text and not faster: it has no part that may match the
same characters in two ways.
"""

from __future__ import annotations

import re
from numbers import Number
from typing import Any

HIDDEN = "***"

BY_COLUMN = frozenset({"fields", "columnMetrics", "columns"})
"""Keys of facets below which every key is the name of a column, and names no secret."""

_WORDS = (
    r"passw(?:or)?d|passphrase|pwd|secret(?:[_-]?access)?(?:[_-]?key)?|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credentials?|authorization"
)
_KEY = re.compile(rf"(?:{_WORDS})|token$", re.IGNORECASE)
# A count is of tokens; `token` itself is a secret, unless a number is below it.
_COUNT = re.compile(r"token$", re.IGNORECASE)

_ASSIGNED = re.compile(
    rf"""
    ((?:{_WORDS}|token)                     # the name
     (?:\\*["'])?\s*(?:[=:]>?\s*|(?='))      # what follows it; SQL has PASSWORD '...'
     (?:(?:bearer|basic)\s+)?)
    (?: "(?:[^"\\]|\\.)*+" | '(?:[^'\\]|\\.)*+' | \\+"[^"\\]*+\\+" | \S++ )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_HINTS = ("passw", "passphrase", "pwd", "secret", "key", "token", "credential", "authorization", "bearer")
"""Without one of these neither pattern finds anything, and to look for these is a hundred times faster."""

_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}+", re.IGNORECASE)

# What stands between quotes or blanks, so that a URL ends where it does.
_WORD = re.compile(r"""\"[^"\s]*+"|'[^'\s]*+'|[^\s"]++""")
_SCHEME = re.compile(r"(?:git\+)?(?:https?|ftps?)\Z", re.IGNORECASE)
_PORT = re.compile(r":\d{1,5}(?:[/?#]|\Z)")
_AUTHORITY = re.compile(r"[^:/?#]*+")


def is_secret(key: str, value: Any) -> bool:
    """Whether what is below a key is a secret, as its name says.

    :param key: of a mapping.
    :param value: what is below it.
    """
    if value is None or isinstance(value, bool) or not _KEY.search(key):
        return False
    return not (isinstance(value, Number) and _COUNT.search(key))


def without_credentials(text: str) -> str:
    """Hide passwords and tokens in a text.

    >>> without_credentials("postgresql://me:p/@ss@db/x and https://t0ken@host?api_key=k1")
    'postgresql://me:***@db/x and https://***@host?api_key=***'
    >>> without_credentials("input_tokens: 17")
    'input_tokens: 17'
    """
    if "://" in text and "@" in text:
        text = _WORD.sub(lambda found: _without_userinfo(found[0]), text)
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    return _BEARER.sub(rf"\1{HIDDEN}", _ASSIGNED.sub(rf"\1{HIDDEN}", text))


def _without_userinfo(word: str) -> str:
    """Hide all between the user's name and the last ``@``: a password may hold a slash, and an ``@``."""
    pieces: list[str] = []
    done, last, here = 0, word.rfind("@"), word.find("://")
    while -1 < here < last:
        start = here + 3
        web = _SCHEME.search(word, max(here - 10, 0), here) is not None
        end = _AUTHORITY.match(word, start).end()  # type: ignore[union-attr]  # it matches the empty text, too
        at = word.rfind("@", start, end) if web else -1
        if word.startswith(":", end) and not (web and _PORT.match(word, end)):
            # What stands before an earlier @ is a token.
            shown = start if at > -1 else end + 1
            return "".join([*pieces, word[done:shown], HIDDEN, word[max(last, shown) :]])
        if at > -1:
            pieces += [word[done:start], HIDDEN]
            done = at
        here = word.find("://", end)
    return "".join([*pieces, word[done:]])
