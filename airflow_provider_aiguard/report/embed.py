"""What goes into the page besides markup: data that cannot end its element, and plotly.js, compressed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def safe_json(data: Sequence[Any] | Mapping[str, Any]) -> Markup:
    r"""Write JSON that is safe inside ``<script>``: no character of it can end the element or open another.

    :param data: plain values; NaN and infinities are refused, because JSON has none.
    :raises ValueError: for NaN or an infinity.

    >>> print(safe_json(["</script>"]))
    ["\u003c/script\u003e"]
    """
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - the three characters that mean something to HTML are gone


@cache
def plotly_gzip() -> str:
    """plotly.js as base64 of gzip, 2.0 MB instead of 4.8; the page inflates it with ``DecompressionStream``.

    That is in Chrome and Edge since 80, Safari since 16.4 and Firefox since 113, and works from ``file://``.
    """
    return base64.b64encode(gzip.compress(_plotly_js().encode(), 9, mtime=0)).decode("ascii")


@cache
def plotly_hash() -> str:
    """Content-Security-Policy source that allows plotly.js as bundled, and no other script."""
    return script_hash(_plotly_js())


def script_hash(text: str) -> str:
    """Content-Security-Policy source that allows exactly this inline script.

    >>> script_hash("alert(1)")
    "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _plotly_js() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
