"""Hides values out of rows where others quote them: in SQL, in messages of databases, in traces.

What a message says of a value cannot be told from what it says of a column, but for how databases name columns. So all
that is between the first quotation mark and the last goes. Every pattern takes a time that grows with the length of a
text and not faster.
"""

from __future__ import annotations

import re

from airflow_provider_aiguard.lineage.credentials import HIDDEN

_SQL = re.compile(
    r"""
    (?P<kept> `[^`]*+` | "[A-Za-z_][\w$]*+" )
  | (?P<comment> --[^\n]*+ | /\*(?:.*?\*/|.*+) )
  | (?P<text> '(?:[^']|'')*+'? | "(?:[^"]|"")*+"? | \$(?P<tag>(?:[A-Za-z_]\w{0,60})?)\$(?:.*?\$(?P=tag)\$|.*+) )
    """,
    re.VERBOSE | re.DOTALL,
)
# Some dialects end a literal only at a quotation mark without a backslash, and others at any.
_ESCAPED = re.compile(r"""\\['"]""")
_ALL_QUOTED = re.compile(r"""['"].*['"]|['"].*""", re.DOTALL)

_SECTION = re.compile(r"(?=\[SQL: |\[parameters: |\(Background on this error)")
_BACKGROUND = re.compile(r"\(Background on this error[^\n)]*\)?")
# After these a database shows the row or the line that it is about, over several lines if a value has some.
_SHOWS = re.compile(r"\b(?:DETAIL|CONTEXT|LINE \d+|Original Line):|Failing row contains|\bKey \(")
_NAMED = re.compile(r"""\b(?:column|relation|table|constraint|index|schema|view) (['"])[\w.]+\1""")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z]{2})'(?=(?:s|t|d|m|re|ve|ll)\b)")
_QUOTE = re.compile(r"""['"]""")

TRACE = "Traceback (most recent call last):"
_OF_GROUP = re.compile(r" *\| ?")
_CHAIN = re.compile(
    r"(\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n)"
)


def without_literals(sql: str) -> str:
    """Hide texts and comments of a statement; names and numbers stay.

    :param sql: any dialect's. A text in double quotation marks that could be a name is taken for one.

    >>> without_literals("SELECT a FROM t WHERE b = 'it''s' AND c > 5 -- me")
    "SELECT a FROM t WHERE b = '***' AND c > 5 -- ***"
    """
    if _ESCAPED.search(sql):
        return _without_any(sql)
    return _SQL.sub(lambda found: found[0] if found["kept"] else _blank(found), sql)


def without_literals_of_any(sql: str) -> str:
    """Hide the same in what could not be read as a statement: all between the first quotation mark and the last."""
    return _without_any(without_literals(sql))


def _without_any(sql: str) -> str:
    return _ALL_QUOTED.sub(f"'{HIDDEN}'", sql, count=1)


def _blank(found: re.Match[str]) -> str:
    if found["comment"] is None:
        return f"'{HIDDEN}'"
    return f"-- {HIDDEN}" if found[0].startswith("--") else f"/* {HIDDEN} */"


def without_rows(message: str) -> str:
    r"""Hide in an error's message what may be a value out of a row.

    >>> without_rows('column "late" of relation "t" is NULL\nDETAIL:  Failing row contains (17, Ann).')
    'column "late" of relation "t" is NULL\nDETAIL: ***'
    >>> without_rows("could not convert string to float: 'Ann'")
    "could not convert string to float: '***'"
    """
    return "".join(_section(part) for part in _SECTION.split(message))


def without_rows_in_trace(trace: str) -> str:
    """Hide the same in a formatted trace; the code it names stays.

    :param trace: as Python formats it, causes and groups included.
    """
    parts: list[str] = []
    text: list[str] = []
    in_code = False
    for line in trace.splitlines(keepends=True):
        bare = _OF_GROUP.sub("", line, count=1) if line.lstrip().startswith("|") else line
        in_code = bare.rstrip().endswith(TRACE) or (in_code and bare.startswith("  "))
        if in_code:
            parts += [_message(text), _code(line)]
            text = []
        else:
            text.append(line)
    return "".join([*parts, _message(text)])


def _code(line: str) -> str:
    """A line of code may be of a text that looks like a row."""
    shown = _SHOWS.search(line)
    return f"{line[: shown.start()]}{HIDDEN}{_blanks_after(line)}" if shown else line


def _message(lines: list[str]) -> str:
    """Each exception of a chain by itself: the first mark of one and the last of another hold all between."""
    pieces = _CHAIN.split("".join(lines))
    return "".join(piece if _CHAIN.fullmatch(piece) else without_rows(piece) for piece in pieces)


def _section(part: str) -> str:
    if part.startswith("[SQL: "):
        return without_literals(part)
    if part.startswith("[parameters: "):
        return f"[parameters: {HIDDEN}]" + _blanks_after(part)
    told = _BACKGROUND.match(part)
    if told:
        return told[0] + _plain(part[told.end() :])
    return _plain(part)


def _plain(text: str) -> str:
    shown = _SHOWS.search(text)
    if shown is None:
        return _without_quoted(text)
    start = shown[0] if shown[0].endswith(":") else f"{shown[0].removesuffix(' (')}:"
    return f"{_without_quoted(text[: shown.start()])}{start} {HIDDEN}{_blanks_after(text)}"


def _without_quoted(text: str) -> str:
    # Names and apostrophes are covered by as many other characters, so that what is left are marks of quotations.
    rest = _APOSTROPHE.sub("_", _NAMED.sub(lambda found: "_" * len(found[0]), text))
    marks = [found.start() for found in _QUOTE.finditer(rest)]
    if not marks:
        return text
    start, end = marks[0], marks[-1]
    if len(marks) % 2:
        return f"{text[: start + 1]}{HIDDEN}{text[start]}{_blanks_after(text)}"
    return f"{text[: start + 1]}{HIDDEN}{text[end:]}"


def _blanks_after(text: str) -> str:
    return text[len(text.rstrip()) :]
