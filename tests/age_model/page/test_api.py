import json
import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from age_model.labels import AGE_GROUP_NAMES

REPOSITORY = Path(__file__).resolve().parents[3]
EXAMPLES = REPOSITORY / "age_model" / "examples"
DOCS_URL = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def client(server) -> Client:
    return Client(server.url, verbose=False)


def _predict(client: Client, path: Path) -> dict:
    return client.predict(picture=handle_file(path), api_name="/predict")


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_snippet_of_the_docs_runs(server, photo, monkeypatch, capsys, page):
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / page).read_text(), re.DOTALL)
    (snippet,) = [block for block in blocks if "gradio_client" in block]
    assert DOCS_URL in snippet
    monkeypatch.chdir(photo.parent)
    exec(snippet.replace(DOCS_URL, server.url), {})
    printed = re.search(
        r"(\d+) years, most likely between (\d+) and (\d+)", capsys.readouterr().out
    )
    age, low, high = map(int, printed.groups())
    assert low <= age <= high


def test_record_has_the_documented_form(client, photo):
    record = _predict(client, photo)
    assert list(record) == ["file", "width", "height", "faces", "notes", "error"]
    assert record["file"] == "photo.jpg" and record["error"] is None and record["notes"] == []
    assert (record["width"], record["height"]) == (512, 512)
    (face,) = record["faces"]
    assert list(face) == [
        "box", "score", "age", "interval", "group", "group_probabilities", "gender",
        "gender_probability", "warnings",
    ]  # fmt: skip
    assert face["warnings"] == []
    left, top, right, bottom = face["box"]
    assert left < 225 < right and top < 120 < bottom, "the nose lies in the box"
    assert 0 <= face["interval"][0] <= face["age"] <= face["interval"][1] <= 100
    assert tuple(face["group_probabilities"]) == AGE_GROUP_NAMES
    assert sum(face["group_probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert face["gender"] in ("male", "female") and 0.5 <= face["gender_probability"] <= 1


def test_thresholds_are_an_option(client, photo):
    record = client.predict(picture=handle_file(photo), thresholds=True, api_name="/predict")
    tails = record["faces"][0]["probability_at_least"]
    assert list(tails) == ["13", "16", "18", "21", "25"]
    assert 1 >= tails["13"] >= tails["25"] >= 0


def test_several_faces_and_none(client):
    faces = _predict(client, EXAMPLES / "group.jpg")["faces"]
    widths = [face["box"][2] - face["box"][0] for face in faces]
    assert len(faces) == 3 and widths == sorted(widths, reverse=True)
    record = _predict(client, EXAMPLES / "cat.jpg")
    assert record["faces"] == [] and record["error"] is None and record["width"] == 451


def test_bad_pictures_give_an_error_and_the_next_one_an_age(client, photo, tmp_path):
    text, empty, cut = (tmp_path / name for name in ("text.jpg", "empty.png", "cut.jpg"))
    text.write_text("hello")
    empty.write_bytes(b"")
    cut.write_bytes(photo.read_bytes()[:3000])
    for path in (text, empty, cut):
        record = _predict(client, path)
        assert record["file"] == path.name and record["faces"] == []
        assert len(record["error"]) > 20
    assert len(_predict(client, photo)["faces"]) == 1


def test_no_picture_gives_an_error(client):
    record = client.predict(picture=None, api_name="/predict")
    assert "expected a picture" in record["error"]


def test_sideways_phone_photo_is_turned(client, astronaut, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = Image.fromarray(astronaut[:, :400])
    path = tmp_path / "phone.jpg"
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, quality=92)
    record = _predict(client, path)
    assert (record["width"], record["height"]) == (400, 512)
    assert len(record["faces"]) == 1


def test_animation_is_said_to_be_one(client, astronaut, tmp_path):
    frames = [Image.fromarray(astronaut), Image.new("RGB", (512, 512))]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    record = _predict(client, path)
    assert len(record["faces"]) == 1
    assert "more than one picture" in record["notes"][0]


def test_only_these_endpoints_are_public(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert sorted(endpoints) == ["/predict", "/predict_many"]


def test_the_older_of_gradios_routes_takes_both_values_and_the_newer_one_the_picture_alone(
    server, photo
):
    boundary = "----test"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode() + photo.read_bytes() + f"\r\n--{boundary}--\r\n".encode()  # fmt: skip
    form = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    (path,) = json.loads(_sent(f"{server.url}/gradio_api/upload", body, form))
    picture = {"path": path}
    for route, data in [
        ("call/v2/predict", {"picture": picture}),
        ("call/v2/predict", {"picture": picture, "thresholds": True}),
        ("call/predict", {"data": [picture, False]}),
    ]:
        sent = json.dumps(data).encode()
        answer = _sent(
            f"{server.url}/gradio_api/{route}", sent, {"Content-Type": "application/json"}
        )
        event = json.loads(answer)["event_id"]
        record = _sent(f"{server.url}/gradio_api/call/predict/{event}")
        assert '"age"' in record, route
        assert ("probability_at_least" in record) == ("thresholds" in data), route


def _sent(url: str, body: bytes | None = None, headers: dict | None = None) -> str:
    request = urllib.request.Request(url, body, headers or {})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.read().decode()


def test_other_files_of_the_server_cannot_be_named(server):
    # Past the client, which would upload the file: the dict that Gradio hands on as it comes.
    picture = {"path": str(EXAMPLES / "portrait.jpg")}
    request = urllib.request.Request(
        f"{server.url}/gradio_api/call/predict",
        json.dumps({"data": [picture, False]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        event = json.load(reply)["event_id"]
    url = f"{server.url}/gradio_api/call/predict/{event}"
    with urllib.request.urlopen(url, timeout=60) as reply:
        answer = reply.read().decode()
    assert '"age"' not in answer
    assert "not an uploaded picture" in answer or "event: error" in answer


def test_many_at_once_each_get_their_own_answer(client, tmp_path):
    paths = []
    for i, name in enumerate(["portrait", "cat", "group"] * 3):
        path = tmp_path / f"{i}-{name}.jpg"
        path.write_bytes((EXAMPLES / f"{name}.jpg").read_bytes())
        paths.append(path)
    with ThreadPoolExecutor(len(paths)) as pool:
        records = list(pool.map(lambda path: _predict(client, path), paths))
    assert [record["file"] for record in records] == [path.name for path in paths]
    assert [len(record["faces"]) for record in records] == [1, 0, 3] * 3
