import json
import shutil

import pytest

from age_model.network.loading import EMBEDDED
from age_model.network.reports import NotMeasuredError, read_results


@pytest.fixture
def checkpoint(tmp_path):
    """A copy of the shipped checkpoint, to be spoilt."""
    return shutil.copytree(EMBEDDED, tmp_path / "checkpoint")


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
