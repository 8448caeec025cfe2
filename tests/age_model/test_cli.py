"""The command, mostly in this process; as a process of its own where that is what matters."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from age_model import cli
from age_model.records.output import output
from age_model.records.parquet import PART_PICTURES

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def run(tiny_checkpoint, predictor, capsys, monkeypatch):
    """Call the command; gives exit status, standard output, standard error."""
    monkeypatch.setattr(
        "age_model.predictor.AgePredictor.from_pretrained",
        lambda model, detector, device: predictor,
    )

    def call(*arguments) -> tuple[int, str, str]:
        try:
            status = cli.main([str(a) for a in arguments])
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def photos(tmp_path, astronaut, two_people) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    Image.fromarray(astronaut).save(folder / "one.jpg")
    Image.fromarray(two_people).save(folder / "more" / "two.PNG")
    Image.new("RGB", (90, 60)).save(folder / "none.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def as_process(*arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "age_model", *map(str, arguments)],
        cwd=REPOSITORY, check=False, capture_output=True, text=True, timeout=300, **options,
    )  # fmt: skip


def test_json_lines(run, photos):
    status, out, err = run("--json", photos)
    records = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [Path(r["file"]).name for r in records] == ["two.PNG", "none.png", "one.jpg"]
    assert [len(r["faces"]) for r in records] == [2, 0, 1]
    assert [(r["width"], r["height"]) for r in records] == [(812, 512), (90, 60), (512, 512)]
    assert [r["error"] for r in records] == [None] * 3
    assert "3 pictures, 3 faces, 0 failed" in err


def test_ethnicity_only_when_asked_for(run, photos):
    for form in ("--json", "--csv"):
        assert "ethnicity_probability" not in run(form, photos)[1]
        assert "ethnicity_probability" in run(form, "--ethnicity", photos)[1]


def test_thresholds_only_when_asked_for(run, photos):
    for form in ("--json", "--csv"):
        assert ">=18" not in run(form, photos)[1] and "at_least" not in run(form, photos)[1]
    (record,) = map(json.loads, run("--json", "--at-least", photos / "one.jpg")[1].splitlines())
    tails = record["faces"][0]["probability_at_least"]
    assert list(tails) == ["13", "16", "18", "21", "25"]
    assert 1 > tails["13"] > tails["25"] > 0
    (row,) = csv.DictReader(run("--csv", "--at-least", photos / "one.jpg")[1].splitlines())
    assert {name: float(row[f"p(>={name})"]) for name in tails} == tails
    assert f"18 or older: {tails['18']:.0%}" in run("--at-least", photos / "one.jpg")[1]


def test_text(run, photos):
    status, out, _ = run(photos / "one.jpg", photos / "none.png")
    assert status == 0
    assert "one.jpg: 1 face\n  1. looks " in out
    assert "none.png: no face found" in out


def test_csv_has_a_row_a_face(run, photos):
    _, out, _ = run("--csv", photos, photos / "missing.jpg")
    rows = list(csv.DictReader(out.splitlines()))
    assert [(Path(r["file"]).name, r["face"]) for r in rows] == [
        ("two.PNG", "1"), ("two.PNG", "2"), ("none.png", ""), ("one.jpg", "1"), ("missing.jpg", ""),
    ]  # fmt: skip
    assert float(rows[0]["age_low"]) <= float(rows[0]["age"]) <= float(rows[0]["age_high"])
    assert rows[4]["error"].startswith("no such file")
    assert sum(float(v) for k, v in rows[0].items() if k.startswith("p(")) == pytest.approx(
        1, abs=0.01
    )


def test_bad_files_do_not_stop_the_run(run, photos, tmp_path, png_header):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "empty.jpg").touch()
    jpeg = (photos / "one.jpg").read_bytes()
    (bad / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (bad / "text.jpg").write_text("only text")
    (bad / "huge.png").write_bytes(png_header(60_000, 60_000))
    empty = tmp_path / "without"
    empty.mkdir()
    (empty / "notes.txt").touch()
    status, out, err = run("--json", bad, empty, tmp_path / "missing.jpg", photos / "one.jpg")
    records = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    errors = {Path(r["file"]).name: r["error"] for r in records}
    assert "has too many pixels" in errors["huge.png"]
    assert "is empty" in errors["empty.jpg"]
    assert "is not a picture" in errors["text.jpg"]
    assert "cut short" in errors["truncated.jpg"]
    assert "holds no pictures" in errors["without"]
    assert "no such file" in errors["missing.jpg"]
    assert errors["one.jpg"] is None
    assert all(r["faces"] == [] and r["width"] is None for r in records if r["error"])
    assert "7 pictures, 1 faces, 6 failed\n" in err
    assert "  1 failed: is damaged or cut short\n  1 failed: " in err
    assert "  1 failed: has too many pixels\n" in err


@contextmanager
def as_nobody():
    """Without root's right to read everything; a user who has no such right stays who they are."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_unreadable_permission(run, photos):
    with tempfile.TemporaryDirectory() as closed:  # pytest's own folders are closed to others
        folder = Path(closed) / "photos"
        shutil.copytree(photos, folder)
        Path(closed).chmod(0o755)
        (folder / "one.jpg").chmod(0)
        (folder / "more").chmod(0)
        with as_nobody():
            status, out, _ = run("--json", folder)
        (folder / "more").chmod(0o755)
    errors = {Path(r["file"]).name: r["error"] for r in map(json.loads, out.splitlines())}
    assert status == 1
    assert "may not be read" in errors["one.jpg"]
    assert "folder cannot be read" in errors["more"]
    assert errors["none.png"] is None


def test_crops_go_through_in_batches(run, predictor, photos, astronaut, monkeypatch):
    crops = photos / "crops"
    crops.mkdir()
    for i in range(10):
        Image.fromarray(astronaut[i * 30 : i * 30 + 90, :80]).save(crops / f"{i}.png")
    (crops / "5b.png").touch()
    sizes = []
    original = type(predictor).estimate

    def recorded(self, found):
        sizes.append(len(found))
        return original(self, found)

    monkeypatch.setattr(type(predictor), "estimate", recorded)
    monkeypatch.setattr(cli, "CHUNK", 4)
    status, out, _ = run("--crops", "--json", crops)
    records = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert sizes == [4, 3, 3]
    names = ["0", "1", "2", "3", "4", "5", "5b", "6", "7", "8", "9"]
    assert [Path(r["file"]).stem for r in records] == names
    for record in records:
        if record["error"]:
            assert Path(record["file"]).stem == "5b"
            continue
        (alone,) = predictor.predict_crops([record["file"]]).to_dicts()
        assert record["faces"][0]["box"] == [0, 0, 80, 90]
        assert record["faces"][0]["score"] is None
        assert record["faces"][0]["age"] == pytest.approx(alone["age"], abs=0.11)


def test_out_is_written_once_complete(run, photos, tmp_path):
    target = tmp_path / "ages.json"
    target.write_text("old")
    status, out, _ = run("--json", "--out", target, photos)
    assert (status, out) == (0, "")
    assert len(target.read_text().splitlines()) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ages.json", "photos"]


def test_a_failed_run_leaves_the_old_file(tmp_path):
    target = tmp_path / "ages.json"
    target.write_text("old")
    with pytest.raises(RuntimeError), output(str(target)) as stream:
        stream.write("half")
        stream.flush()
        assert target.read_text() == "old"
        raise RuntimeError
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["ages.json"]


def test_wrong_usage(run, photos, tmp_path):
    os.mkfifo(tmp_path / "pipe")  # stands for a device: a broken check run by root would replace it
    for arguments, message in [
        ((), "expected pictures or folders"),
        ((photos, "--json", "--csv"), "not allowed with"),
        ((photos, "--nonsense"), "unrecognized arguments"),
        ((photos, "--out", tmp_path), "expected a file"),
        ((photos, "--out", tmp_path / "pipe"), "expected a file"),
        ((photos, "--out", tmp_path / "no" / "x.json"), "no folder"),
    ]:
        status, out, err = run(*arguments)
        assert (status, out) == (2, ""), arguments
        assert message in err


def test_wrong_model_or_detector(photos, tiny_checkpoint, tmp_path, capsys):
    for arguments, message in [
        (["--model", str(tmp_path)], "is not a checkpoint"),
        (["--model", str(tiny_checkpoint), "--detector", "nonsense"], "path of YuNet's .onnx file"),
    ]:
        with pytest.raises(SystemExit) as end:
            cli.main([*arguments, str(photos)])
        assert end.value.code == 2
        assert message in capsys.readouterr().err


def test_version_names_the_detector(yunet_path, monkeypatch, capsys):
    assert cli.main(["--version", "--detector", "haar"]) == 0
    assert "detector: haar (haarcascade_frontalface_alt2)" in capsys.readouterr().out
    monkeypatch.setenv("AGE_FACE_DETECTOR", str(yunet_path))
    assert cli.main(["--version"]) == 0
    assert f"detector: yunet ({yunet_path.name})" in capsys.readouterr().out


def test_without_a_network_the_command_is_quick_and_quiet(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "AGE_FACE_DETECTOR"}
    environment |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    done = as_process("--version", env=environment)
    assert done.returncode == 0
    assert re.search(r"detector: (libfacedetection|haar) \(", done.stdout)
    assert done.stderr == ""


def test_progress_on_standard_error(run, photos, monkeypatch):
    monkeypatch.setattr("age_model.records.summary.PROGRESS_SECONDS", 0)
    _, out, err = run("--json", photos)
    assert "2 pictures, 2 faces, 0 failed (" in err and "pictures a second" in err
    assert all(line.startswith("{") for line in out.splitlines())


def test_file_names_that_are_no_unicode(run, astronaut, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff.png"
    Image.fromarray(astronaut[:50, :50]).save(tmp_path / "plain.png")
    os.rename(tmp_path / "plain.png", name)
    for form in ("--json", "--csv"):
        target = tmp_path / "out.txt"
        assert run(form, "--out", target, tmp_path)[0] == 0
        assert target.stat().st_size > 0
    assert name in target.read_bytes()


def test_lists_of_files(run, photos, tmp_path, monkeypatch):
    paths = f"{photos / 'one.jpg'}\n\n{photos / 'more'}\n".encode()
    (tmp_path / "list.txt").write_bytes(paths)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(paths)))
    for arguments in (["-"], ["--files-from", tmp_path / "list.txt"]):
        status, out, _ = run("--json", *arguments)
        records = [json.loads(line) for line in out.splitlines()]
        assert status == 0
        assert [Path(r["file"]).name for r in records] == ["one.jpg", "two.PNG"]
    assert run("--files-from", tmp_path / "none.txt")[0] == 2


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_resumed_run_examines_what_is_missing(run, photos, tmp_path, form, monkeypatch):
    arguments = (f"--{form}", photos, "--resume", "--out", tmp_path / "ages")
    (photos / "one.jpg").rename(tmp_path / "one.jpg")
    assert "2 pictures, 2 faces" in run(*arguments)[2]
    (tmp_path / "one.jpg").rename(photos / "one.jpg")
    examined = run(*arguments)[2]
    # Of a CSV the last picture is done again: nothing says how many faces it should have.
    again = {"csv": "2 pictures, 1 faces"}.get(form, "1 pictures, 1 faces")
    assert again in examined
    if form == "csv":
        rows = list(csv.DictReader((tmp_path / "ages").read_text().splitlines()))
        assert sorted(Path(r["file"]).name for r in rows) == [
            "none.png", "one.jpg", "two.PNG", "two.PNG"
        ]  # fmt: skip


def test_parquet_has_the_table_of_csv(run, photos, tmp_path):
    bad = photos / "empty.jpg"
    bad.touch()
    assert run("--parquet", "--out", tmp_path / "ages", "--at-least", "--ethnicity", photos)[0] == 1
    (part,) = (tmp_path / "ages").iterdir()
    table = pq.read_table(part)
    rows = list(csv.DictReader(run("--csv", "--at-least", "--ethnicity", photos)[1].splitlines()))
    assert table.column_names == [*rows[0], "file_bytes"]
    for got, row in zip(table.drop(["file_bytes"]).to_pylist(), rows, strict=True):
        assert {name: "" if value is None else str(value) for name, value in got.items()} == row


def test_wrong_usage_of_resume_and_parquet(run, photos, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    for arguments, message in [
        (("--parquet",), "expected --out with a folder"),
        (("--resume", "--json"), "expected --out"),
        (("--resume", "--out", tmp_path / "a.txt"), "expected --json, --csv or --parquet"),
        (("--parquet", "--out", tmp_path / "full"), "add --resume"),
        (("--parquet", "--out", photos / "one.jpg"), "expected a folder"),
        (("--json", "--resume", "--out", photos / "one.jpg"), "what this command wrote"),
        (("--workers", "0"), "expected 1 or more"),
    ]:
        status, out, err = run(photos, *arguments)
        assert (status, out) == (2, ""), arguments
        assert message in err


def test_figures_in_the_docs_are_those_of_the_code():
    text = " ".join((REPOSITORY / "docs" / "batch.md").read_text().split())
    for said in (
        f"Up to {cli.FEW} pictures are examined without workers",
        f"up to {PART_PICTURES:,} pictures not yet written",
        f"in blocks of up to {PART_PICTURES:,}",
    ):
        assert said in text, said
