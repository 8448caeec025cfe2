"""The card and README's results: computed, complete, and the same as what lies on disk."""

import json
import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from train import model_card
from train.card import document
from train.card.tables import coverage_text, overview
from train.evaluation.findings import limits

ROOT = Path(__file__).resolve().parents[2]
README = f"# Ages\n\n{document.START}\nold\n{document.END}\n\nThe rest.\n"


@pytest.fixture
def checkpoint(carded, tmp_path):
    return shutil.copytree(carded, tmp_path / "checkpoint")


@pytest.fixture
def results(checkpoint):
    return json.loads((checkpoint / "results.json").read_text())


def write(checkpoint, *options):
    model_card.main(["--checkpoint", str(checkpoint), *map(str, options)])


def change(file, edit):
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))


def test_metadata_holds_the_results(checkpoint, results):
    metadata = ModelCard.load(checkpoint / "README.md").data
    assert metadata.license == "other" and "non-commercial" in metadata.license_name
    assert metadata.license_link == "https://example.org/utkface"
    assert metadata.datasets == ["someone/fairface"]
    found = {(r.dataset_name, r.metric_name): r.metric_value for r in metadata.eval_results}
    utkface, fairface = (results["sources"][name] for name in ("utkface", "fairface"))
    assert found == {
        ("UTKFace", "Mean absolute error, years"): utkface["years"]["mae"],
        ("UTKFace", "At most 5 years off"): utkface["years"]["cs5"],
        ("UTKFace", "Age group accuracy"): utkface["groups"]["accuracy"],
        ("UTKFace", "Gender accuracy"): utkface["gender"]["accuracy"],
        ("FairFace", "Age group accuracy"): fairface["groups"]["accuracy"],
        ("FairFace", "Gender accuracy"): fairface["gender"]["accuracy"],
    }


def test_card_says_what_matters(checkpoint, results):
    card = (checkpoint / "README.md").read_text()
    for text in [
        "**Age verification**", "Decisions about a person", "gender identity or ethnicity",
        "non-commercial research only", "CC BY 4.0", "random weights", "365,000 pictures seen",
        "in 42 minutes on 2 CPU cores", results["command"], results["data"]["files_sha256"],
        "| FairFace | 40,000 |", f"**{results['sources']['utkface']['years']['mae']:.2f} years**",
    ]:  # fmt: skip
        assert text in card, text
    assert "/home/somebody" not in card
    assert not re.search(r"\{\{|\{%|None|nan", card)


def test_the_interval_claims_what_was_measured(results):
    interval = results["sources"]["utkface"]["years"]["interval"]
    interval["coverage"] = 0.806
    for i, part in enumerate(interval["by_group"].values()):
        part.update(n=200, coverage=0.7 + 0.01 * i)
    first = next(iter(interval["by_group"].values()))
    first.update(n=99, coverage=0.1)
    text = coverage_text(results)
    assert "of UTKFace it covers the label of 80.6% of the faces, from 71.0% (labelled " in text
    assert "FairFace" not in text and "10.0%" not in text


def test_sources_without_facts_go_by_their_keys_and_bind_nobody(checkpoint):
    for name in ("results.json", "training.json"):
        change(checkpoint / name, lambda content: content.pop("source_facts"))
    card = document.card_text(*document.read_facts(checkpoint))
    assert "| fairface | 40,000 | – | not known |" in card and "utkface by age group" in card
    assert "FairFace" not in card and "UTKFace" not in card
    assert "non-commercial" not in card and "license" not in card


def test_what_was_done_after_training_is_told(checkpoint):
    assert "train.adjust" not in document.card_text(*document.read_facts(checkpoint))
    adjusted = {"interpolated_with": "runs/start/final", "alpha": 0.2, "common": 0.5}
    change(checkpoint / "training.json", lambda t: t.update(adjust=adjusted))
    card = document.card_text(*document.read_facts(checkpoint))
    assert "interpolated with those of `runs/start/final` (alpha 0.2)" in card
    assert "logits of common ages were raised by 50%" in card
    change(checkpoint / "training.json", lambda t: t["adjust"].update(interpolated_with=None))
    card = document.card_text(*document.read_facts(checkpoint))
    assert "interpolated" not in card and "rare ages" not in card
    change(checkpoint / "training.json", lambda t: t["adjust"].update(common=0.0, rare=0.25))
    card = document.card_text(*document.read_facts(checkpoint))
    assert "common ages" not in card and "logits of rare ages were raised by 25%" in card


def test_teacher_is_told(checkpoint):
    student = json.loads((checkpoint / "training.json").read_text())
    assert "teacher" not in document.card_text(*document.read_facts(checkpoint)).lower()
    teacher = student | {"preset": "big-cnn", "pictures_seen": 123456}
    change(checkpoint / "training.json", lambda t: t.update(teacher=teacher))
    card = document.card_text(*document.read_facts(checkpoint))
    assert "### Its teacher" in card and "`big-cnn`" in card and "123,456" in card
    assert "mirror images" not in card
    change(
        checkpoint / "training.json",
        lambda t: t["arguments"].update(further_teachers=["runs/b/final", "runs/c/final"]),
    )
    card = document.card_text(*document.read_facts(checkpoint))
    assert (
        "averaged with what `runs/b/final` and `runs/c/final` answered for their mirror images"
        in card
    )


def test_the_run_that_it_went_on_from_is_told_first(checkpoint):
    base = json.loads((checkpoint / "training.json").read_text()) | {"pictures_seen": 123456}

    def longer(training: dict) -> None:
        training.update(base=base, preset="longer")
        training["arguments"].update(base_model="runs/tiny/final")

    change(checkpoint / "training.json", longer)
    card = document.card_text(*document.read_facts(checkpoint))
    first, then = card.index("from random weights"), card.index("from `runs/tiny/final`")
    assert first < card.index("123,456") < then < card.index("365,000 pictures seen")


def test_sections_that_a_person_wrote_stay_where_they_are(checkpoint):
    card = checkpoint / "README.md"
    mine = "## Our museum\n\nPhotos of visitors.\n\n```\n## no heading\n```\n\n### A part\n\nMore."
    last = "## Thanks\n\nTo all."
    text = card.read_text()
    card.write_text(
        text.replace("## How it was trained", f"{mine}\n\n## How it was trained") + last
    )
    write(checkpoint)
    written = card.read_text()
    assert written.index("## Training data") < written.index(mine) < written.index("## How it was")
    assert written.endswith(f"{last}\n") and written.count("## Our museum") == 1
    write(checkpoint, "--check")
    date = json.loads((checkpoint / "results.json").read_text())["date"]
    change(checkpoint / "results.json", lambda results: results.update(date="2031-01-01"))
    write(checkpoint)
    assert card.read_text() == written.replace(date, "2031-01-01")


def test_the_model_keeps_the_name_that_it_was_given(checkpoint):
    assert "# AgeViT: how old a face looks" in (checkpoint / "README.md").read_text()
    write(checkpoint, "--name", "Museum")
    write(checkpoint)
    card = ModelCard.load(checkpoint / "README.md")
    assert "# Museum: how old a face looks" in card.content and "AgeViT" not in card.content
    assert card.data.model_name == "Museum"


def test_labels_that_no_picture_had_are_named(checkpoint):
    untold = ("means nothing", "was not taught")
    assert not any(text in (checkpoint / "README.md").read_text() for text in untold)

    def genders_only(training):
        for facts in training["source_facts"].values():
            facts.update(labels="gender", people=7, licence="CC BY-NC 4.0")

    change(checkpoint / "training.json", genders_only)
    change(checkpoint / "results.json", lambda r: r["model"].update(attributes=["gender"]))
    card = document.card_text(*document.read_facts(checkpoint))
    assert re.findall(r"label of (\w+): what the network says", card) == ["age"]
    assert re.findall(r"was not taught (\w+),\nand does not tell it", card) == ["ethnicity"]
    assert "One more head tells perceived gender." in card
    assert "the pictures of each person in FairFace, UTKFace." in card
    assert "Commercial use: see Licences" in card
    change(checkpoint / "training.json", lambda t: t.update(base_hub_id="a/vit"))
    card = document.card_text(*document.read_facts(checkpoint), calibrated=False)
    assert "means nothing" not in card and "base_model: a/vit" in card and "not calibrated" in card


def test_a_network_of_another_kind_is_told_truly(checkpoint):
    def other(results):
        results["model"] |= {
            "architecture": "dinov2_with_registers", "image_size": 224,
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
            "age_groups": ["0-17", "18+"], "attributes": [],
        }  # fmt: skip

    change(checkpoint / "results.json", other)
    card = document.card_text(*document.read_facts(checkpoint))
    assert "A network of the type `dinov2_with_registers`" in card
    assert "Its age groups\nare 0-17, 18+." in card and "head" not in card.split("## Use")[0]
    normalised = "mean 0.485, 0.456, 0.406 and standard deviation 0.229, 0.224, 0.225"
    assert f"224x224 pixels, RGB, on a scale of 0..1 normalised with {normalised}" in card
    assert "from transformers import pipeline" not in card and "AgePredictor" in card
    assert "- dinov2_with_registers\n" in card and "\n- vit\n" not in card


def test_the_data_of_its_base_and_of_its_teacher_binds_the_model_too(checkpoint):
    training = json.loads((checkpoint / "training.json").read_text())
    mine = {"mine": {"title": "Museum", "licence": "MIT", "labels": "age in years"}}
    own = {"source_facts": mine, "train_pictures": {"mine": 800}}
    for kind in ("base", "teacher"):
        change(checkpoint / "training.json", lambda t, k=kind: t.update(own, **{k: training}))
        card = document.card_text(*document.read_facts(checkpoint))
        assert "| Museum | 800 | age in years | MIT |" in card and "| UTKFace | 17,000 |" in card
        assert "license_link: https://example.org/utkface" in card
        assert "learned from FairFace, UTKFace, which may\nhold test pictures" in card
        change(checkpoint / "training.json", lambda t, k=kind: t.pop(k))
    card = document.card_text(*document.read_facts(checkpoint))
    assert "UTKFace | 17,000" not in card and "may\nhold test pictures" not in card


def test_pretrained_base_is_told(checkpoint):
    change(checkpoint / "training.json", lambda t: t["arguments"].update(base_model="a/vit"))
    card = document.card_text(*document.read_facts(checkpoint))
    assert "Starting from `a/vit`" in card and "random weights" not in card


def part(n, value, key):
    return {"n": n, key: value}


def test_limits_name_the_worst_and_leave_out_the_few():
    groups = {
        "0-2": part(40, 0.4, "accuracy"),
        "3-9": part(50, 0.9, "accuracy"),
        "70+": part(29, 0.0, "accuracy"),
    }
    facts = {"fairface": {"title": "FairFace"}}
    sources = {"fairface": {"groups": {"by_group": groups}}}
    said = limits({"sources": sources, "source_facts": facts})
    assert said == [
        "FairFace: right age groups by age group: worst for 0-2 (40.0%, n=40), "
        "best for 3-9 (90.0%, n=50)."
    ]


def test_limits_take_bias_by_its_size(results):
    years = results["sources"]["utkface"]["years"]
    for name, bias in zip(years["by_group"], [0.5, -7.0, 3.0], strict=False):
        years["by_group"][name] |= {"n": 100, "bias": bias}
    names = list(years["by_group"])[:2]
    said = [line for line in limits(results) if "bias" in line]
    assert said[0].startswith(f"UTKFace: bias by age group: worst for {names[1]} (-7.00 years")
    assert f"best for {names[0]} (+0.50 years" in said[0]


def test_overview_says_how_much_too_old_teens_look(results):
    results["sources"]["utkface"]["years"]["by_band"]["13_19"] = {"n": 12, "mae": 3, "bias": 2.346}
    assert "| Bias, 13 to 19 years | +2.35 years (n=12) |" in overview(results)


def test_readme_changes_between_the_markers_only(checkpoint, results, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(README)
    write(checkpoint, "--readme", readme)
    text = readme.read_text()
    assert text.startswith(f"# Ages\n\n{document.START}\n| Split")
    assert text.endswith(f"{document.END}\n\nThe rest.\n")
    assert overview(results) in text and "\nold\n" not in text
    write(checkpoint, "--readme", readme)
    assert readme.read_text() == text


@pytest.mark.parametrize(
    "text", ["# none", f"{document.END}{document.START}", README + README, document.START]
)
def test_readme_without_proper_markers_is_refused(checkpoint, tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(SystemExit, match="once each"):
        write(checkpoint, "--readme", readme)
    assert readme.read_text() == text


@pytest.mark.parametrize("edited", ["card", "readme"])
def test_check_finds_a_number_edited_by_hand(checkpoint, results, tmp_path, edited):
    readme = tmp_path / "README.md"
    readme.write_text(README)
    write(checkpoint, "--readme", readme)
    write(checkpoint, "--readme", readme, "--check")
    file = {"card": checkpoint / "README.md", "readme": readme}[edited]
    mae = f"{results['sources']['utkface']['years']['mae']:.2f}"
    file.write_text(file.read_text().replace(mae, "1.23", 1))
    text = file.read_text()
    with pytest.raises(SystemExit, match=f"not what results.json gives: {file}"):
        write(checkpoint, "--readme", readme, "--check")
    assert file.read_text() == text


def test_results_of_other_weights_are_refused(checkpoint):
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    with pytest.raises(SystemExit, match="measure the weights in"):
        write(checkpoint)


@pytest.mark.parametrize("name", ["results.json", "training.json"])
def test_missing_facts_are_named(checkpoint, name):
    (checkpoint / name).unlink()
    with pytest.raises(SystemExit, match=f"expected {name} in"):
        write(checkpoint)


def test_results_of_another_schema_are_refused(checkpoint):
    change(checkpoint / "results.json", lambda r: r.update(schema_version=99))
    with pytest.raises(SystemExit, match="schema version 3, got 99"):
        write(checkpoint)


def test_the_card_and_the_readme_of_this_repository_are_up_to_date():
    files = document.generated(ROOT / "age_model" / "checkpoint", ROOT / "README.md")
    stale = document.stale_files(files)
    assert not stale, "run python -m train.model_card --readme README.md"
