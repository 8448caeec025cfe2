"""Files and folders that are replaced as a whole: after a success, a failure, and a kill."""

import subprocess
import sys
from pathlib import Path

import pytest

from age_model.records.atomic import atomic_file, atomic_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_in(block: str, path: Path) -> None:
    """Run `block`, in which `kill()` ends the process at once, with `path`."""
    code = f"""
import os, pathlib, sys
from age_model.records.atomic import atomic_file, atomic_folder

def kill():
    os.kill(os.getpid(), 9)

path = pathlib.Path(sys.argv[1])
{block}
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE)
    assert done.returncode == -9, done.stderr


HALF_A_FILE = """
with atomic_file(path) as partial:
    partial.write_text("half")
    kill()
"""
HALF_A_FOLDER = """
with atomic_folder(path, lambda found: True) as partial:
    (partial / "half").touch()
    kill()
"""
BETWEEN_THE_RENAMES = """
rename = pathlib.Path.rename
pathlib.Path.rename = lambda self, to: kill() if "partial" in self.name else rename(self, to)
with atomic_folder(path, lambda found: True) as partial:
    (partial / "new").touch()
"""


@pytest.fixture
def file(tmp_path) -> Path:
    """A file that says "old", alone in its folder."""
    path = tmp_path / "a.csv"
    path.write_text("old")
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with the file `old`, alone in its folder."""
    path = tmp_path / "out"
    path.mkdir()
    (path / "old").touch()
    return path


def test_file_is_replaced_when_the_block_ends(file):
    with atomic_file(file) as part:
        part.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new" and names(file.parent) == ["a.csv"]


def test_file_stays_when_the_block_raises(file):
    with pytest.raises(KeyError), atomic_file(file) as part:
        part.write_text("half")
        raise KeyError
    assert file.read_text() == "old" and names(file.parent) == ["a.csv"]


def test_file_stays_when_the_process_is_killed(file):
    killed_in(HALF_A_FILE, file)
    assert file.read_text() == "old"


def test_a_link_stays_a_link(file):
    link = file.with_name("link.csv")
    link.symlink_to(file)
    with atomic_file(link) as part:
        part.write_text("new")
    assert link.is_symlink() and file.read_text() == "new"


def test_folder_is_replaced_when_the_block_ends(folder):
    for content in ("first", "second"):
        with atomic_folder(folder, lambda found: True) as part:
            (part / content).touch()
    assert names(folder) == ["second"] and names(folder.parent) == ["out"]


def test_folders_above_are_made(tmp_path):
    with atomic_folder(tmp_path / "a" / "b", lambda found: False) as part:
        (part / "new").touch()
    assert names(tmp_path / "a" / "b") == ["new"]


def test_folder_stays_when_the_block_raises(folder):
    with pytest.raises(KeyError), atomic_folder(folder, lambda found: True) as part:
        (part / "half").touch()
        raise KeyError
    assert names(folder) == ["old"] and names(folder.parent) == ["out"]


def test_folder_comes_back_when_the_new_one_cannot_take_its_place(folder):
    with pytest.raises(OSError), atomic_folder(folder, lambda found: True) as part:
        part.rmdir()
    assert names(folder) == ["old"] and names(folder.parent) == ["out"]


def test_folder_stays_when_the_process_is_killed_and_the_next_run_cleans_up(folder):
    killed_in(HALF_A_FOLDER, folder)
    assert names(folder) == ["old"] and names(folder.parent) == [".out.partial", "out"]
    with atomic_folder(folder, lambda found: True) as part:
        assert names(part) == []
    assert names(folder.parent) == ["out"]


def test_folder_is_put_back_after_a_kill_between_the_two_renames(folder):
    killed_in(BETWEEN_THE_RENAMES, folder)
    assert names(folder.parent) == [".out.older", ".out.partial"]
    with pytest.raises(KeyError), atomic_folder(folder, lambda found: True):
        raise KeyError
    assert names(folder) == ["old"] and names(folder.parent) == ["out"]


def test_files_and_folders_of_others_are_not_replaced(file, tmp_path):
    with pytest.raises(ValueError, match="expected a folder"), atomic_folder(file, lambda _: True):
        pass
    with (
        pytest.raises(ValueError, match="another folder"),
        atomic_folder(tmp_path, lambda _: False),
    ):
        pass
    assert file.read_text() == "old" and names(tmp_path) == ["a.csv"]
