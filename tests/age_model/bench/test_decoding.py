"""The costs of decoding in processes, measured in small."""

import re

import pytest

from age_model.bench.__main__ import main
from age_model.bench.decoding import END, START
from age_model.decoding import process

pytestmark = pytest.mark.skipif(not process.SUPPORTED, reason="needs Linux")


def test_tables_go_between_the_marks(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n")
    options = ["--repeats", "1", "--megapixels", "0.1", "--write", str(page)]
    assert main(["decoding", *options]) == 0
    text = page.read_text()
    assert text.startswith(f"before\n{START}\n| JPEG") and text.endswith(f"{END}\nafter\n")
    assert "old" not in text and capsys.readouterr().out.strip() in text
    assert len(re.findall(r"^\| (?:JPEG|PNG|GIF|AVIF|HEIC|WebP)", text, re.M)) == 11
    assert re.search(r"\| 1280 x 960 \| [\d.]+ \| [\d.]+ \| [+-][\d.]+ \|", text)


@pytest.mark.parametrize(
    "options", [["--repeats", "0"], ["--megapixels", "51"], ["--write", "no/such/file"]]
)
def test_what_cannot_be(options, monkeypatch):
    monkeypatch.setattr("age_model.bench.decoding._times", lambda repeats: iter(()))
    monkeypatch.setattr("age_model.bench.decoding._peaks", lambda pixels: iter(()))
    assert main(["decoding", *options]) == 1
