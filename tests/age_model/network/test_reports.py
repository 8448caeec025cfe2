import copy
import json
import shutil

import pytest

from age_model.labels import AGE_GROUP_NAMES
from age_model.network.loading import EMBEDDED
from age_model.network.reports import NotMeasuredError, read_results
from age_model.page.measured_html import results_html


@pytest.fixture(scope="module")
def results() -> dict:
    return read_results(EMBEDDED)


@pytest.fixture
def checkpoint(tmp_path):
    """A copy of the shipped checkpoint, to be spoilt."""
    return shutil.copytree(EMBEDDED, tmp_path / "checkpoint")


def test_the_shipped_results_are_shown_in_full(results):
    html = results_html(results)
    years = results["sources"]["utkface"]["years"]
    assert f"{years['mae']:.1f} years" in html and f"{results['data']['n']:,} pictures" in html
    for name in AGE_GROUP_NAMES:
        assert name.replace("-", "–") in html
    assert f"{years['by_group']['3-9']['n']:,}</td>" in html
    assert f"{years['interval']['by_group']['3-9']['coverage']:.0%}</td>" in html
    for sentence in results["words"]["gaps"]:
        assert sentence in html
    assert "FairFace, 2,500 faces" in html and "Not for verifying ages" in html


def test_numbers_follow_the_file(results):
    other = copy.deepcopy(results)
    other["sources"]["utkface"]["years"]["mae"] = 12.345
    other["sources"]["utkface"]["years"]["by_group"]["3-9"]["n"] = 7
    html = results_html(other)
    assert "12.3 years" in html
    assert html.count("measured-few") == results_html(results).count("measured-few") + 1


def test_names_from_elsewhere_are_escaped(results):
    other = copy.deepcopy(results)
    other["model"]["name"] = other["command"] = "<img src=x onerror=alert(1)>"
    assert "<img" not in results_html(other)


def test_a_source_that_is_missing_is_left_out(results):
    other = copy.deepcopy(results)
    del other["sources"]["utkface"]
    assert "UTKFace," not in results_html(other)


def test_results_of_other_weights_are_refused(checkpoint):
    shard = sorted(checkpoint.glob("*.safetensors"))[0]
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x01")
    with pytest.raises(NotMeasuredError, match="measured other weights"):
        read_results(checkpoint)


def test_results_of_another_calibration_are_refused(checkpoint):
    config = json.loads((checkpoint / "config.json").read_text())
    config["calibration"]["age_temperature"] *= 2
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(NotMeasuredError, match="measured other weights"):
        read_results(checkpoint)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "comes without results.json"),
        ("{", "not in the form"),
        ("[]", "not in the form"),
        ('{"schema_version": 1, "model": {"weights_sha256": null}}', "has the form 1"),
    ],
)
def test_what_is_no_results_file_is_said(checkpoint, content, said):
    file = checkpoint / "results.json"
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(NotMeasuredError, match=said):
        read_results(checkpoint)
