"""The report as a browser's parser sees it: elements, attributes, text; nothing by regular expression."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "input", "br", "img", "link", "hr"}


@dataclass
class Node:
    tag: str
    attrs: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def all(self, tag: str | None = None, **attrs: str) -> list[Node]:
        found: list[Node] = []
        for child in self.children:
            if isinstance(child, Node):
                if tag in (None, child.tag) and all(child.attrs.get(k.strip("_")) == v for k, v in attrs.items()):
                    found.append(child)
                found += child.all(tag, **attrs)
        return found

    def one(self, tag: str | None = None, **attrs: str) -> Node:
        (found,) = self.all(tag, **attrs)
        return found

    @property
    def table(self) -> list[list[str]]:
        """Body rows of the first table in here as words."""
        body = self.all("table")[0].all("tbody")[0]
        return [[c.words for c in r.children if isinstance(c, Node)] for r in body.children if isinstance(r, Node)]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("root", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(html: str) -> Node:
    """Parse a page, refusing elements that are closed out of order or left open."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert [node.tag for node in parser.open] == ["root"]
    return parser.root


def figures(root: Node) -> list[dict[str, Any]]:
    """The embedded plotly figures."""
    found: list[dict[str, Any]] = json.loads(root.one("script", id="figures").text)
    return found


def chart(root: Node, title: str) -> tuple[Node, dict[str, Any]]:
    """The article of a chart and its figure."""
    (article,) = [a for a in root.all("article") if a.one("h3").words == title]
    place = article.one("div", class_="chart")
    return article, figures(root)[int(place.attrs["data-figure"])]
