"""How often a rule "show a document unless you look 25" would err.

The terms are those of NIST's Face Analysis Technology Evaluation, Age Estimation & Verification
(Hanaoka et al., NIST IR 8525, 2024): "Challenge 25" lets pass who is estimated at the challenge age
or older. It is a way to say how large errors are where they would matter. It makes no age
verification of this model.
"""

from age_model.labels import MAX_AGE
from train.evaluation.metrics import share
from train.evaluation.predictions import Predictions

CHALLENGE_AGE = 25  # years
# Labelled years, both ends included. Minors must not pass; adults should not be turned away.
MINORS = {"13_17": (13, 17)}
ADULTS = {"18_24": (18, 24), "25_30": (25, 30), "over_30": (31, MAX_AGE)}


def challenge(p: Predictions) -> dict:
    """Errors at the challenge age.

    Args:
        p: predictions with point labels.

    Returns:
        "challenge_age" (years); "let_through": the share of minors estimated at the challenge age
        or older (the false positive rate); "turned_away": the share of adults estimated younger.
        Each by range of labelled years, as `metrics.share` gives it; a range without faces is
        omitted.
    """
    passes = p.years >= CHALLENGE_AGE

    def shares(ranges: dict[str, tuple[int, int]], wrong) -> dict:
        labelled = {
            name: (p.age_low >= first) & (p.age_low <= last)
            for name, (first, last) in ranges.items()
        }
        return {name: share(wrong[rows]) for name, rows in labelled.items() if rows.any()}

    return {
        "challenge_age": CHALLENGE_AGE,
        "let_through": shares(MINORS, passes),
        "turned_away": shares(ADULTS, ~passes),
    }
