"""README and docs: links lead somewhere, commands exist, examples run, figures are the code's."""

import ast
import importlib
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in REPOSITORY.glob("docs/*.md"))]
PORTRAIT = REPOSITORY / "age_model" / "examples" / "portrait.jpg"
UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30, "million": 10**6, "minutes": 60}


def _text(page: str) -> str:
    return (REPOSITORY / page).read_text()


def _blocks(page: str, language: str = "") -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", _text(page), re.DOTALL | re.MULTILINE)
    return [text for name, text in blocks if name == language]


def _commands() -> set[tuple[str, str]]:
    """(module, its arguments) of each `python -m MODULE ...` in the blocks of all pages."""
    text = "\n".join(block for page in PAGES for block in _blocks(page))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    found = (re.search(r"python -m ((?:age_model|train)[\w.]*)([^#]*)", line) for line in lines)
    return {(match[1], match[2].strip()) for match in found if match}


def test_the_readme_is_short_and_starts_with_what_matters():
    lines = _text("README.md").splitlines()
    assert len(lines) < 200
    first_screen = "\n".join(lines[:60])
    assert "docs/photo.jpg" in first_screen
    assert "make demo" in first_screen and "make test" in first_screen


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page):
    text = re.sub(r"```.*?```", "", _text(page), flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)", text)
    for target in targets:
        path = (REPOSITORY / page).parent / target.split("#")[0]
        assert path.exists(), f"{page} links to {target}"


def test_the_readme_links_to_every_page_of_the_docs():
    linked, reached = {"README.md"}, set()
    while linked:
        page = linked.pop()
        reached.add(page)
        for target in re.findall(r"\]\(([^)#\s]+\.md)[^)]*\)", _text(page)):
            if target.startswith("http"):
                continue
            path = ((REPOSITORY / page).parent / target).resolve().relative_to(REPOSITORY)
            linked |= {str(path)} - reached
    assert set(PAGES) <= reached


@pytest.mark.parametrize("package", ["age_model", "train"])
def test_every_room_is_named_to_contributors(package):
    rooms = {
        f"`{f.parent.relative_to(REPOSITORY)}/`"
        for f in REPOSITORY.glob(f"{package}/*/__init__.py")
    }
    assert rooms and not {room for room in rooms if room not in _text("CONTRIBUTING.md")}


def test_every_make_target_exists():
    makefile = (REPOSITORY / "Makefile").read_text()
    text = "\n".join(block for page in PAGES for block in _blocks(page))
    targets = set(re.findall(r"\bmake ([a-z][\w-]*)", text))
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@cache
def _help(module: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("module", sorted({module for module, _ in _commands()}))
def test_every_command_exists_with_its_options(module):
    for arguments in (arguments for name, arguments in _commands() if name == module):
        for option in re.findall(r"(?<!\S)(--[\w-]+)", arguments):
            assert re.search(rf"{option}\b", _help(module)), f"{module} has no {option}"


def test_every_preset_that_is_named_exists():
    for page in PAGES:
        for name in re.findall(r"train/configs/[\w-]+\.json", _text(page)):
            assert (REPOSITORY / name).is_file(), f"{page} names {name}"


def _figure(shown: str) -> float | tuple[int, ...]:
    if " x " in shown:
        return tuple(map(int, shown.split(" x ")))
    number, _, unit = shown.replace(",", "").partition(" ")
    return float(number) * UNITS.get(unit, 1)


def test_every_limit_is_that_of_the_code():
    rows = re.findall(
        r"^\| [^|]+ \| ([^|]+) \| `(\w+)` in `([\w.]+)` \|$", _text("docs/limits.md"), re.MULTILINE
    )
    assert len(rows) > 15
    for shown, constant, module in rows:
        value = getattr(importlib.import_module(module), constant)
        assert _figure(shown) == value, f"{constant} in {module} is {value}"


@pytest.fixture
def photos(tmp_path, monkeypatch) -> Path:
    """The files that the examples name, in the folder in which they are run."""
    shutil.copy(PORTRAIT, tmp_path / "photo.jpg")
    for folder in ("holiday", "faces"):
        (tmp_path / folder).mkdir()
        shutil.copy(PORTRAIT, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", ["README.md", "docs/usage.md"])
def test_the_python_examples_run(page, photos, capsys):
    (snippet,) = [b for b in _blocks(page, "python") if "AgePredictor" in b]
    exec(snippet, {})
    assert re.search(r"\d", capsys.readouterr().out)


@pytest.mark.parametrize("page", ["README.md", "docs/usage.md"])
def test_the_command_lines_run(page, photos, monkeypatch, capsys):
    from age_model import cli

    text = "\n".join(_blocks(page))
    lines = re.findall(r"^python -m age_model ([^#\n]*)", text, re.MULTILINE)
    assert lines
    for line in lines:
        assert cli.main(line.split()) == 0, line
    assert (photos / "ages.jsonl").is_file()
    assert "photo.jpg" in capsys.readouterr().out


def test_python_examples_parse():
    for page in PAGES:
        for block in _blocks(page, "python"):
            ast.parse(block)
