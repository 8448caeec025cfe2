"""Reads the HTML that the page is made of, for the tests: elements, attributes and text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"img", "input", "br"}  # elements that have no end
SELF_CLOSED_IN_SVG = {"rect", "image", "path", "polygon", "polyline"}


@dataclass
class Element:
    """An element of a page.

    Attributes:
        tag: its name.
        attributes: by their names.
        parts: elements and texts in it.
    """

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    parts: list[Element | str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def walk(self) -> Iterator[Element]:
        """All elements in it, in the order of the page."""
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part.walk()

    def all(self, tag: str = "", css_class: str = "", **attributes: str) -> list[Element]:
        """The elements in it of this kind; a `_` in an attribute's name stands for `-`."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.walk()
            if tag in ("", element.tag)
            and (not css_class or css_class in element.attributes.get("class", "").split())
            and all(element.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str = "", css_class: str = "", **attributes: str) -> Element:
        """The only such element."""
        (element,) = self.all(tag, css_class, **attributes)
        return element

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        parts = [part if isinstance(part, str) else f" {part.text} " for part in self.parts]
        return re.sub(r"\s+", " ", "".join(parts)).strip()


class _Reader(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("")]

    def handle_starttag(self, tag: str, attrs: list) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        assert tag in SELF_CLOSED_IN_SVG, f"<{tag}/> is not closed in HTML"
        self.open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(html: str) -> Element:
    """The root that holds the elements of `html`, whose tags must be closed in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    (root,) = reader.open
    return root
