"""The README of a Space that shows somebody's own checkpoint: it says nothing of another one."""

from pathlib import Path

from jinja2 import Template

from train.card.document import DEFAULT_NAME, card_name, read_facts, results_text
from train.card.training import restricted_sources, training_data

TEMPLATE = Path(__file__).with_name("space.md")


def space_readme(readme: str, checkpoint: Path, inside: str) -> str:
    """The text of README.md.

    Args:
        readme: the project's, whose first lines are the Space's settings.
        checkpoint: folder with the card and what it is made from.
        inside: where the checkpoint lies in the Space.

    Raises:
        ValueError: `readme` has no such lines.
    """
    empty, settings, _ = (*readme.split("---\n", 2), "", "")[:3]
    if empty or not settings:
        raise ValueError("expected a README that starts with the Space's settings between ---")
    results, training = read_facts(checkpoint)
    return Template(TEMPLATE.read_text(encoding="utf-8")).render(
        front_matter=f"---\n{settings}---",
        name=card_name(checkpoint) or DEFAULT_NAME,
        checkpoint=inside,
        results=results_text(results),
        restricted=bool(restricted_sources(training)),
        training_data=training_data(training),
    )
