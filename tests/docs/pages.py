"""The pages of the documentation, and what is fenced in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*REPOSITORY.glob("*.md"), *(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)])

_OPT_OUT = re.compile(r"<!-- not run: (.+) -->")
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Fence:
    """A fenced block.

    :param page: its page, from the repository's root.
    :param line: line of its first fence.
    :param language: word after the first fence, ``{name}`` for a directive.
    :param body: what is between the fences, without the indent.
    :param not_run: why its author wants it not run; empty if it is run.
    """

    page: str
    line: int
    language: str
    body: str
    not_run: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def name_of(page: Path) -> str:
    """Path from the repository's root."""
    return page.relative_to(REPOSITORY).as_posix()


def fences_of(page: Path) -> list[Fence]:
    """All fenced blocks of a page."""
    text = page.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        before = text[: match.start()].rstrip().rsplit("\n", 1)[-1].strip()
        opted_out = _OPT_OUT.fullmatch(before)
        found.append(
            Fence(
                page=name_of(page),
                line=text.count("\n", 0, match.start()) + 1,
                language=match["language"],
                body=dedent(match["body"]),
                not_run=opted_out[1] if opted_out else "",
            )
        )
    return found


FENCES = [fence for page in PAGES for fence in fences_of(page)]
