"""How much more training the targets would take, by the runs that went on from one another."""

import numpy as np

TARGETS = {"eval_mae": ("MAE", 4.3), "eval_mae_over_60": ("over 60", 7.0)}  # years on UTKFace
RECENT = 5  # runs that tell the pace: the first ones of a chain gain faster than any later one


def outlook(entries: list[dict]) -> str:
    """Markdown on the chains of runs among the entries of `train.experiments`; "" where there is none.

    A power law through the errors at the ends of the last `RECENT` runs of a chain, against the pictures
    seen up to there: a handful of points, so a rough guide and no promise.
    """
    by_place = {f"runs/{entry['name']}/final": entry for entry in entries}
    continued = {entry["settings"].get("start") for entry in entries}
    sentences = []
    for place, entry in by_place.items():
        if place in continued:
            continue
        chain = [entry]
        while chain[0]["settings"].get("start") in by_place:
            chain.insert(0, by_place[chain[0]["settings"]["start"]])
        if len(chain) > 1:
            sentences.append(_outlook_of(chain))
    return "## What the curves say\n\n" + "\n".join(sentences) if sentences else ""


def _outlook_of(chain: list[dict]) -> str:
    seen = np.cumsum([entry["pictures_seen"] for entry in chain])
    names = " -> ".join(entry["name"] for entry in chain)
    points = zip((entry["scores"]["eval_mae"] for entry in chain), seen, strict=True)
    course = ", ".join(f"{error:.2f} years after {n:,.0f} pictures" for error, n in points)
    rate = chain[-1]["pictures_seen"] / chain[-1]["minutes"]
    needs = (_need(score, chain[-RECENT:], seen[-RECENT:], rate) for score in TARGETS)
    return "\n".join([f"- {names}: {course}.", *(f"  - {need}" for need in needs if need)])


def _need(score: str, chain: list[dict], seen: np.ndarray, rate: float) -> str:
    """What a score's target takes, at `rate` pictures a minute; "" where it is reached or unknown."""
    heading, target = TARGETS[score]
    errors = np.array([entry["scores"].get(score, np.nan) for entry in chain])
    if np.isnan(errors).any() or errors[-1] <= target:
        return ""
    power, _ = np.polyfit(np.log(seen), np.log(errors), 1)
    last = f"{heading}: {errors[-1]:.2f}. Over the last {len(chain)} runs"
    if power >= 0:
        return f"{last} more pictures did not lower it."
    # From where the last run ended, which the line through these runs need not pass.
    needed = float(seen[-1] * (target / errors[-1]) ** (1 / power))
    hours = (needed - seen[-1]) / rate / 60
    return (
        f"{last} each doubling takes off {1 - 2**power:.0%}; at that pace {target} years need about "
        f"{needed / 1e6:.1f} million pictures in all, {hours:.0f} hours more at the last run's speed."
    )
