from train.outlook import outlook


def _run(name: str, start: str, pictures: int, mae: float, over_60: float = 7.0) -> dict:
    scores = {"eval_mae": mae, "eval_mae_over_60": over_60}
    return {"name": name, "settings": {"start": start}, "pictures_seen": pictures, "minutes": 100.0,
            "scores": scores}  # fmt: skip


def test_the_outlook_follows_a_chain_of_runs():
    # The error goes with the root of the pictures: 8.6, 6.08 and, after four times as many, 4.3.
    chain = [
        _run("a", "random weights", 100_000, 8.6),
        _run("b", "runs/a/final", 100_000, 8.6 / 2**0.5),
    ]
    text = outlook([*chain, _run("other", "random weights", 5, 5.0)])
    assert "a -> b: 8.60 years after 100,000 pictures, 6.08 years after 200,000 pictures." in text
    assert "takes off 29%" in text and "0.4 million pictures in all, 3 hours more" in text
    assert "over 60" not in text  # has reached its target
    assert "other" not in text and outlook(chain[:1]) == ""


def test_the_pace_is_that_of_the_last_runs_and_each_target_has_its_own():
    # A steep beginning, then a tenth less by each doubling, and no gain at all for the old.
    chain = [_run("0", "random weights", 1000, 80.0, 50.0)]
    for k in range(1, 6):
        pictures, errors = 1000 * 2 ** (k - 1), (10 * 0.9**k, 8.0 + k / 100)
        chain.append(_run(f"{k}", f"runs/{k - 1}/final", pictures, *errors))
    text = outlook(chain)
    assert "- MAE: 5.90. Over the last 5 runs each doubling takes off 10%" in text
    assert "- over 60: 8.05. Over the last 5 runs more pictures did not lower it." in text
