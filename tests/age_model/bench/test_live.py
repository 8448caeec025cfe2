import base64
from io import BytesIO

import pytest
from PIL import Image

from age_model.bench import __main__ as bench
from age_model.bench import live as live_bench


def test_defaults_of_live():
    options = bench.parse_args(["live"])
    assert options.visitors == [1, 2, 4] and options.run is live_bench.run


def test_what_to_measure_must_be_said(capsys):
    with pytest.raises(SystemExit):
        bench.parse_args([])
    assert "what" in capsys.readouterr().err


def test_frames_differ_and_say_which_they_are():
    frames = [live_bench._frame(i) for i in (0, 5)]
    sizes = []
    for frame in frames:
        head, data = frame.split(",")
        assert head == "data:image/jpeg;base64"
        sizes.append(Image.open(BytesIO(base64.b64decode(data))).size)
    assert sizes == [(640, 480), (640, 475)]


def test_no_server_is_said_in_a_sentence(capsys):
    assert bench.main(["live", "--url", "http://127.0.0.1:9"]) == 1
    assert capsys.readouterr().err.startswith("age_model.bench: ")
