"""The card and README's results, put together from results.json and training.json.

No number of either is typed by hand.
"""

import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from age_model.network.calibration import CONFIG_KEY, Calibration
from age_model.network.reports import (
    FEW,
    SCHEMA_VERSION,
    by_source,
    source_title,
    weights_sha256,
)
from train.card.challenge_age import thresholds_text
from train.card.fairness import fairness_text
from train.card.leave_one_out import leave_one_out_text
from train.card.network import network_facts
from train.card.other_pictures import other_pictures
from train.card.own_sections import with_own_sections
from train.card.tables import accuracy_by_group, by_decade, by_part, coverage_text, overview
from train.card.training import (
    base_model,
    citations,
    data_not_compared,
    labels_learned,
    people_told_apart,
    restricted_sources,
    training_data,
    training_text,
)

DEFAULT_NAME = "AgeViT"
UNCALIBRATED = Calibration().to_dict()
TITLE = re.compile(r"^# (.+): how old a face looks$", re.MULTILINE)
TEMPLATE = Path(__file__).with_name("template.md")
START, END = "<!-- results:start -->", "<!-- results:end -->"


def read_facts(checkpoint: Path) -> tuple[dict, dict]:
    """What results.json and training.json of a checkpoint say.

    Raises:
        ValueError: one is missing or of another version, or the results measured other weights.
    """
    missing = [n for n in ("results.json", "training.json") if not (checkpoint / n).is_file()]
    if missing:
        raise ValueError(
            f"expected {' and '.join(missing)} in {checkpoint}; run train.export, then "
            f"train.evaluate --model {checkpoint}, and copy its results.json there"
        )
    results, training = (
        json.loads((checkpoint / name).read_text(encoding="utf-8"))
        for name in ("results.json", "training.json")
    )
    if results.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(
            f"expected results.json of schema version {SCHEMA_VERSION}, got "
            f"{results.get('schema_version')}; run train.evaluate again"
        )
    if results["model"]["weights_sha256"] != weights_sha256(checkpoint):
        raise ValueError(
            f"expected results.json to measure the weights in {checkpoint}, got the results of "
            f"other ones ({results['model']['name']}); run train.evaluate --model {checkpoint} and "
            "copy its results.json there"
        )
    return results, training


def card_text(
    results: dict,
    training: dict,
    measured: dict[str, str] | None = None,
    *,
    name: str = DEFAULT_NAME,
    calibrated: bool = True,
) -> str:
    """The card, metadata included.

    Args:
        results, training: from `read_facts`.
        measured: from `card.other_pictures` and `card.leave_one_out`.
        name: of the model.
        calibrated: whether `train.calibrate` has measured its intervals.
    """
    parts = [
        (f"{title} by {noun}", by_part(numbers["years"], f"by_{noun.split()[-1]}"))
        for title, numbers in by_source(results)
        for noun in ("age group", "perceived gender", "perceived ethnicity")
        if numbers.get("years", {}).get(f"by_{noun.split()[-1]}")
    ]
    if decades := by_decade(results):
        parts.append(("By decade and source", decades))
    if groups := accuracy_by_group(results):
        parts.append(("Groups and gender by age group", groups))
    versions = [f"{name} {version}" for name, version in results["versions"].items()]
    learned = labels_learned(training)
    card = ModelCard.from_template(
        _metadata(results, training, name),
        template_path=str(TEMPLATE),
        model_name=name,
        calibrated=calibrated,
        parameters=f"{training['parameters']:,}" if "parameters" in training else "",
        **network_facts(results, learned),
        told_apart=people_told_apart(training),
        not_compared=data_not_compared(training),
        training_data=training_data(training),
        citations=citations(training),
        restricted=bool(restricted_sources(training)),
        training=training_text(training),
        command=results["command"],
        date=results["date"],
        split=results["data"]["split"],
        n=f"{results['data']['n']:,}",
        files_sha256=results["data"]["files_sha256"],
        versions=", ".join(versions),
        definitions="\n".join(f"- `{k}`: {v}." for k, v in results["definitions"].items()),
        overview=overview(results),
        coverage=coverage_text(results),
        parts=parts,
        thresholds=thresholds_text(results),
        fairness=fairness_text(results),
        few=FEW,
        limits=results["words"]["limits"],
        **(measured or {}),
    )
    return str(card).rstrip() + "\n"


def _metadata(results: dict, training: dict, name: str) -> ModelCardData:
    restricted = restricted_sources(training)
    licence: dict[str, Any] = {
        "license": "other",
        "license_name": "non-commercial-research-only",
        "license_link": next((facts["url"] for facts in restricted if "url" in facts), None),
    }
    facts = training.get("source_facts", {}).values()
    return ModelCardData(
        model_name=name,
        base_model=base_model(training),
        **(licence if restricted else {}),
        pipeline_tag="image-classification",
        library_name="transformers",
        tags=["age-estimation", results["model"].get("architecture", "vit")],
        datasets=[known["hub_id"] for known in facts if "hub_id" in known] or None,
        metrics=["mae", "accuracy"],
        eval_results=[
            result for source in results["sources"] for result in _eval_results(source, results)
        ],
    )


def _eval_results(source: str, results: dict) -> list[EvalResult]:
    values, numbers = [], results["sources"][source]
    if years := numbers.get("years"):
        values += [("mae", "Mean absolute error, years", years["mae"])]
        values += [("accuracy", "At most 5 years off", years["cs5"])]
    for name, title in [("groups", "Age group accuracy"), ("gender", "Gender accuracy")]:
        if name in numbers:
            values.append(("accuracy", title, numbers[name]["accuracy"]))
    return [
        EvalResult(
            task_type="image-classification",
            task_name="Age estimation",
            dataset_type=source,
            dataset_name=source_title(results, source),
            dataset_split=results["data"]["split"],
            metric_type=kind,
            metric_name=title,
            metric_value=value,
        )
        for kind, title, value in values
    ]


def readme_text(readme: str, results: dict) -> str:
    """The README with its results put between the two markers.

    Raises:
        ValueError: the markers are not there once each, in order.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end or START in rest or END in after:
        raise ValueError(f"expected {START} and then {END} once each in the README; add them")
    return f"{before}{START}\n{results_text(results)}\n{END}{after}"


def results_text(results: dict) -> str:
    """The numbers that matter most, for a README."""
    return (
        f"{overview(results)}\n\nMeasured with `{results['command']}` on {results['date']}. "
        "Written by `python -m train.model_card`; more in the checkpoint's card."
    )


def card_name(checkpoint: Path) -> str | None:
    """The model's name in the card of a checkpoint folder; None where there is no card."""
    card = checkpoint / "README.md"
    title = TITLE.search(card.read_text(encoding="utf-8")) if card.is_file() else None
    return title[1] if title else None


def generated(
    checkpoint: Path, readme: Path | None = None, name: str | None = None
) -> dict[Path, str]:
    """What the card of a checkpoint folder, and a README with its results, should hold.

    Args:
        checkpoint: folder. Its card as it lies there tells the model's name and has the sections
            that a person wrote; both are kept.
        readme: a README whose results are written too.
        name: of the model, where it is to be another.

    Raises:
        ValueError: the checkpoint lacks results, they are not its own, or there is no such README.
    """
    results, training = read_facts(checkpoint)
    card = checkpoint / "README.md"
    older = card.read_text(encoding="utf-8") if card.is_file() else ""
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    text = card_text(
        results,
        training,
        other_pictures(checkpoint) | {"leave_one_out": leave_one_out_text(checkpoint)},
        name=name or card_name(checkpoint) or DEFAULT_NAME,
        calibrated=config.get(CONFIG_KEY, UNCALIBRATED)["interval_levels"]
        != UNCALIBRATED["interval_levels"],
    )
    template = TEMPLATE.read_text(encoding="utf-8")
    files = {card: with_own_sections(text, older, template)}
    if readme is not None:
        if not readme.is_file():
            raise ValueError(f"expected a README at {readme}, got nothing; name another file")
        files[readme] = readme_text(readme.read_text(encoding="utf-8"), results)
    return files


def stale_files(files: dict[Path, str]) -> list[Path]:
    """Those that are missing or hold something else than they should."""
    return [
        path
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
