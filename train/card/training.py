"""The part of the card that says how the model came about, from training.json."""

import json
import re
from collections.abc import Iterator

from train.card.tables import NOTHING

# Parts of a licence that binds the weights, such as "CC BY-NC 4.0".
RESTRICTED = re.compile(r"non-?commercial|\bNC\b", re.IGNORECASE)


def training_data(training: dict) -> list[list[str]]:
    """Rows of the card's table of data: title, pictures, labels, licence."""
    return [
        [facts.get("title", source), f"{n:,}", facts.get("labels", NOTHING),
         facts.get("licence", "not known")]
        for source, n, facts in _all_sources(training)
    ]  # fmt: skip


def citations(training: dict) -> list[str]:
    """A line for each source that says where it comes from."""
    lines = []
    for source, _, facts in _all_sources(training):
        link = f"<{facts['url']}>" if "url" in facts else ""
        cited = facts["citation"].rstrip(".") + "." if "citation" in facts else ""
        said = " ".join(part for part in (cited, link, facts.get("notes")) if part)
        if said:
            lines.append(f"{facts.get('title', source)}: {said}")
    return lines


def restricted_sources(training: dict) -> list[dict]:
    """The facts of the sources whose licence forbids commercial use."""
    return [
        facts for *_, facts in _all_sources(training) if RESTRICTED.search(facts.get("licence", ""))
    ]


def base_model(training: dict) -> str | None:
    """Id on the Hub of the network that this one went on from, directly or through others."""
    return next((run["base_hub_id"] for run in _chain(training) if run.get("base_hub_id")), None)


def labels_learned(training: dict) -> set[str]:
    """Which of "age", "gender" and "ethnicity" the training data has labels for.

    Those of the networks that this one went on from count too. All three where a training does not
    say what labels its data had.
    """
    known = [facts for run in _chain(training) for *_, facts in _sources(run)]
    every = {"age", "gender", "ethnicity"}
    if base_model(training) or not all("labels" in facts for facts in known):
        return every
    return {label for label in every if any(label in facts["labels"] for facts in known)}


def data_not_compared(training: dict) -> list[str]:
    """What else is behind the network: data whose pictures may be among those that it is tested on.

    Sources that only the networks used that it went on from or learned from, and the id of the one
    from the Hub.
    """
    own = {source for source, *_ in _sources(training)}
    others = [facts.get("title", source) for source, _, facts in _all_sources(training)
              if source not in own]  # fmt: skip
    base = base_model(training)
    return others + ([f"`{base}`'s own data"] if base else [])


def people_told_apart(training: dict) -> list[str]:
    """Titles of the sources that tell people apart, so that each is in one split only."""
    return [facts.get("title", key) for key, _, facts in _sources(training) if facts.get("people")]


def _chain(training: dict) -> Iterator[dict]:
    """The training, and those that it went on from."""
    run: dict | None = training
    while run:
        yield run
        run = run.get("base")


def _all_sources(training: dict) -> list[tuple[str, int, dict]]:
    """As `_sources`, with those of the networks that this one went on from or learned from.

    A source that several used is named once, with the pictures of the last one.
    """
    found: dict[str, tuple[str, int, dict]] = {}
    for run in _chain(training):
        for source in _sources(run):
            found.setdefault(source[0], source)
        for teacher in _teachers(run):
            for source in _all_sources(teacher):
                found.setdefault(source[0], source)
    return list(found.values())


def _sources(training: dict) -> list[tuple[str, int, dict]]:
    """(key, pictures trained on, facts) of each source."""
    facts = training.get("source_facts", {})
    return [(source, n, facts.get(source, {})) for source, n in training["train_pictures"].items()]


def training_text(training: dict) -> str:
    """How the model was trained, with what it started from and its teacher, where it had them."""
    parts = [_runs(training)]
    if teacher := training.get("teacher"):
        parts.append(
            "### Its teacher\nBeside the labels, it learned from the age distributions that "
            "another network, trained before it on the same training split, gives for its pictures"
            f"{_further(training)}.\n\n{_runs(teacher)}"
        )
    return "\n\n".join(parts)


def _teachers(training: dict) -> list[dict]:
    """How those of its teachers came about of which that is known."""
    return [t for t in (training.get("teacher"), *training.get("further_teachers", [])) if t]


def _further(training: dict) -> str:
    """The teachers beside the first one, where there were such."""
    others = training["arguments"].get("further_teachers")
    if not others:
        return ""
    names = " and ".join(f"`{name}`" for name in others)
    return f", averaged with what {names} answered for their mirror images"


def _runs(training: dict) -> str:
    """A run, and before it those that it went on from."""
    text = f"{_run(training)}\n\n{_arguments(training)}"
    base = training.get("base")
    return f"{_runs(base)}\n\nThen: {text}" if base else text


def _run(training: dict) -> str:
    arguments = training["arguments"]
    base = arguments.get("base_model")
    start = (
        f"Starting from `{base}`" if base else "Starting from random weights, with no other data"
    )
    size = f" of {training['parameters']:,} parameters" if "parameters" in training else ""
    versions = ", ".join(f"{name} {v}" for name, v in training["versions"].items())
    return (
        f"{start}: preset `{training['preset']}`, a network{size}, "
        f"{training['pictures_seen']:,} pictures seen (each counted as often as it was drawn) in "
        f"{training['minutes']:.0f} minutes on {training['hardware']}, with {versions}."
        + (f" {training['remarks']}" if "remarks" in training else "")
        + (f" {_adjust(training['adjust'])}" if "adjust" in training else "")
    )


def _adjust(adjusted: dict) -> str:
    """What `train.adjust` changed after training."""
    steps = []
    if adjusted["interpolated_with"]:
        steps.append(
            f"the weights were interpolated with those of `{adjusted['interpolated_with']}` "
            f"(alpha {adjusted['alpha']:g})"
        )
    for ages in ("common", "rare"):
        if adjusted.get(ages):  # older files lack "rare"
            steps.append(
                f"the logits of {ages} ages were raised by {adjusted[ages]:.0%} of the size of "
                "their log class weights"
            )
    if adjusted.get("teens"):
        steps.append(f"{adjusted['teens']:g} was added to the logits of ages 10 to 19")
    if not steps:
        return ""
    return f"Then, without more training (`train.adjust`), {', and '.join(steps)}."


def _arguments(training: dict) -> str:
    rows = [f"{name} = {json.dumps(value)}" for name, value in training["arguments"].items()]
    lines = ["<details><summary>All arguments</summary>", "", "```", *rows, "```", "", "</details>"]
    return "\n".join(lines)
