"""Sections that a person wrote into a card, carried over to the card that is generated anew."""

import re

BEFORE_THE_FIRST = ""  # stands for the heading of what comes before any section


def with_own_sections(card: str, older: str, template: str) -> str:
    """A card with the sections of an older one that no template writes, each in its place.

    A section starts with a heading of the second level, such as "## Our museum's photos". It stays
    behind the section that it followed; where that is gone, it goes to the end.

    Args:
        card: as it is generated now.
        older: the card before it.
        template: of the card; a section with a heading of it is generated.
    """
    generated = set(re.findall(r"(?<!#)## (.+)$", template, re.MULTILINE))
    sections = _sections(card)
    before = BEFORE_THE_FIRST
    for heading, text in _sections(older):
        if heading != BEFORE_THE_FIRST and heading not in generated:
            headings = [name for name, _ in sections]
            at = headings.index(before) + 1 if before in headings else len(sections)
            sections.insert(at, (heading, text))
        before = heading
    return "\n\n".join(text.strip() for _, text in sections) + "\n"


def _sections(card: str) -> list[tuple[str, str]]:
    """(heading, whole text with it) of each section; a "## " within a block of code is none."""
    sections = [(BEFORE_THE_FIRST, "")]
    in_code = False
    for line in card.splitlines(keepends=True):
        in_code ^= line.startswith("```")
        if line.startswith("## ") and not in_code:
            sections.append((line[3:].strip(), ""))
        heading, text = sections[-1]
        sections[-1] = heading, text + line
    return sections
