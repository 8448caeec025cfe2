"""The part of the card on the challenge age, made from results.json."""

from age_model.labels import MAX_AGE
from age_model.network.reports import by_source
from train.card.tables import percent, table
from train.evaluation.challenge_age import ADULTS, MINORS

NO_VERIFICATION = (
    "This is no age verification and must not be used as one: the shares say how often it would "
    "err."
)

NOT_MEASURED = "No picture of the split has an age in years, so nothing was measured here."


def thresholds_text(results: dict) -> str:
    """What would happen at the challenge age: a table for each source with ages in years."""
    parts = [
        f"{title}: {_sentence(numbers['thresholds'])}\n\n{_table(numbers['thresholds'])}"
        for title, numbers in by_source(results)
        if "thresholds" in numbers
    ]
    return "\n\n".join([*(parts or [NOT_MEASURED]), NO_VERIFICATION])


def _sentence(numbers: dict) -> str:
    age = numbers["challenge_age"]
    return (
        f"were everybody let through whose estimate is {age} years or more, and everybody else "
        f'asked for a document ("Challenge {age}" in NIST\'s FATE Age Estimation & Verification):'
    )


def _table(numbers: dict) -> str:
    age = numbers["challenge_age"]
    rows = [
        [_words(*ranges[name]), outcome, *_shown(part)]
        for key, ranges, outcome in [
            ("let_through", MINORS, f"{age} or more: let through, a false positive"),
            ("turned_away", ADULTS, f"below {age}: turned away or asked for a document"),
        ]
        for name, part in numbers[key].items()
    ]
    return table(["labelled years", "estimate", "n", "share (95%)"], rows)


def _words(first: int, last: int) -> str:
    return f"over {first - 1}" if last == MAX_AGE else f"{first} to {last}"


def _shown(part: dict) -> list[str]:
    low, high = part["interval"]
    return [f"{part['n']:,}", f"{percent(part['share'])} ({percent(low)} to {percent(high)})"]
