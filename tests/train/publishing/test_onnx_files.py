"""ONNX files of a checkpoint: as torch answers, as documented, and in Node."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from age_model import AgePredictor
from age_model.network.loading import load_model
from age_model.network.reports import weights_sha256
from train import export
from train.networks.registry import input_preprocessing, new_network
from train.publishing.onnx_files import FLOAT32, HEADS, INT8, onnx_network, torch_network

pytestmark = pytest.mark.slow  # an export takes several seconds

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "onnx.md"
TRANSFORMERS_JS = "@huggingface/transformers@4.3.2"


@pytest.fixture(scope="module")
def exported(run_folder, small_data, tmp_path_factory) -> Path:
    """A checkpoint with its ONNX files, measured on pictures of the small data set."""
    folder = tmp_path_factory.mktemp("onnx") / "checkpoint"
    validation = shutil.copytree(small_data, folder.with_name("data"))
    (validation / "test").rename(validation / "validation")
    (validation / "dataset_dict.json").write_text('{"splits": ["validation"]}')
    config = {"age_temperature": 1.3, "gender_temperature": 1.1, "ethnicity_temperature": 0.9}
    run = shutil.copytree(run_folder, folder.with_name("run"))
    calibrated = json.loads((run / "config.json").read_text())
    calibrated["calibration"] = config | {"interval_levels": [0.8] * 9}
    (run / "config.json").write_text(json.dumps(calibrated))
    export.main(["--model", str(run), "--out", str(folder), "--onnx", "--data", str(validation)])
    return folder


def _report(exported) -> dict:
    return json.loads((exported / "onnx" / "onnx.json").read_text())


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_any_number_of_faces_is_answered_as_torch_does_by_all_heads(exported, batch):
    pixels = np.random.default_rng(batch).uniform(-1, 1, (batch, 3, 32, 32)).astype(np.float32)
    expected = torch_network(load_model(str(exported)))(pixels)
    got = onnx_network(exported / "onnx" / FLOAT32)(pixels)
    assert list(got) == list(HEADS) and got["logits"].shape == (batch, 101)
    for name in HEADS:
        np.testing.assert_allclose(got[name], expected[name], atol=1e-4)


def test_the_report_says_difference_sizes_and_what_int8_costs(exported):
    report = _report(exported)
    assert 0 < max(report["largest_difference"].values()) < 1e-4
    scores = report["validation"]
    assert report["pictures"] == 50 and list(scores) == ["torch", FLOAT32, INT8]
    assert scores[FLOAT32]["mae"] == pytest.approx(scores["torch"]["mae"], abs=1e-3)
    assert scores[INT8]["mae"] == pytest.approx(scores["torch"]["mae"], abs=1)
    assert report["bytes"] == {n: (exported / "onnx" / n).stat().st_size for n in (FLOAT32, INT8)}
    assert report["bytes"][INT8] < report["bytes"][FLOAT32]


@pytest.mark.parametrize("name", [FLOAT32, INT8])
def test_the_files_say_how_to_make_the_input_and_what_they_hold(exported, name):
    model = onnx.load(exported / "onnx" / name)
    facts = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    preprocessor = json.loads((exported / "preprocessor_config.json").read_text())
    assert facts["image_size"] == preprocessor["size"]["height"] == 32
    for key in ("image_mean", "image_std", "resample"):
        assert facts[key] == preprocessor[key]
    assert facts["calibration"]["age_temperature"] == 1.3
    assert facts["weights_sha256"] == weights_sha256(exported)
    quantized = {"MatMulInteger", "DynamicQuantizeLinear"} & {n.op_type for n in model.graph.node}
    assert bool(quantized) == (name == INT8)
    written = (exported / "onnx" / name).read_bytes()
    assert b".py" not in written and str(Path.home()).encode() not in written


def test_a_network_that_is_no_vit_is_exported_too(tmp_path):
    small = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    network = new_network("resnet", small, 32)
    network.save_pretrained(tmp_path / "resnet")
    input_preprocessing(network).save(tmp_path / "resnet")
    report = export.export_onnx(tmp_path / "resnet", data=None, max_pictures=None)
    assert max(report["largest_difference"].values()) < 1e-4
    assert (tmp_path / "resnet" / "onnx" / INT8).is_file()


def test_a_graph_that_answers_otherwise_is_not_left_behind(exported, tmp_path, monkeypatch):
    folder = shutil.copytree(exported, tmp_path / "checkpoint")
    (folder / "onnx" / "onnx.json").write_text("{}")
    monkeypatch.setattr("train.publishing.onnx_files.MOST_DIFFERENCE", 0)
    with pytest.raises(SystemExit, match="differs from torch"):
        export.main(["--model", str(folder), "--onnx"])
    assert (folder / "onnx" / "onnx.json").read_text() == "{}"


@pytest.fixture
def at_the_checkpoint(exported, tmp_path, monkeypatch) -> Path:
    """A working folder as the document has it: a checkpoint and a face."""
    folder = shutil.copytree(exported, tmp_path / "checkpoint")
    monkeypatch.chdir(folder)
    return folder


def test_the_ten_documented_lines_give_the_predictors_age(at_the_checkpoint, astronaut):
    Image.fromarray(astronaut[0:200, 130:330]).save("face.jpg")
    (lines,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    code = [line for line in lines.splitlines() if not line.startswith(("import", "from"))]
    assert len(code) <= 10
    for name in (INT8, FLOAT32):
        said: dict = {}
        exec(lines.replace(INT8, name), said)
        predictor = AgePredictor.from_pretrained(at_the_checkpoint, detector="haar", device="cpu")
        (age,) = predictor.predict_crops(["face.jpg"]).age_years
        assert said["age"] == pytest.approx(age, abs=1 if name == FLOAT32 else 3)


@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Path:
    """A folder in which Node finds transformers.js."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("there is no Node here: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    # Its scripts would fetch what only a GPU needs.
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", TRANSFORMERS_JS]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry does not answer")
    if done.returncode:
        pytest.skip(f"npm's registry cannot be reached: {done.stderr[-300:]}")
    return folder


@pytest.mark.parametrize(("dtype", "tolerance"), [("fp32", 1e-3), ("q8", 0.05)])
def test_transformers_js_answers_as_torch_does(exported, node, astronaut, dtype, tolerance):
    (script,) = re.findall(r"```javascript\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    # 32 pixels, the network's own: two libraries resize a little differently.
    face = Image.fromarray(astronaut[0:200, 130:330]).resize((32, 32))
    face.save(node / "face.png")
    script = script.replace("import { pipeline }", "import { env, pipeline }")
    local = f"env.allowRemoteModels = false;\nenv.localModelPath = '{exported.parent}/';\n"
    script = script.replace("\n\n", f"\n\n{local}", 1).replace("USER/NAME", exported.name)
    script = script.replace("'q8'", f"'{dtype}'").replace("top_k: 5", "top_k: 101")
    script += "console.log(JSON.stringify(ages));"
    (node / "ages.mjs").write_text(script)
    done = subprocess.run(
        ["node", "ages.mjs"], cwd=node, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    ages = {int(a["label"]): a["score"] for a in json.loads(done.stdout.splitlines()[-1])}
    pixels = (np.asarray(face, np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
    logits = torch.from_numpy(torch_network(load_model(str(exported)))(pixels)["logits"][0])
    expected = logits.softmax(0).numpy()
    got = np.array([ages[year] for year in range(101)])
    assert np.abs(got - expected).max() < tolerance * expected.max()


def test_onnx_runtime_gives_the_number_of_faces_back(exported):
    session = onnxruntime.InferenceSession(exported / "onnx" / INT8)
    (given,) = session.get_inputs()
    assert given.shape == ["batch", 3, 32, 32]
