import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

from age_model.page import uploads
from age_model.page.render import render
from age_model.page.uploads import delete_old_files, keep_deleting

REPOSITORY = Path(__file__).parents[3]


def _files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"picture")


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_old_files_go_and_others_stay(tmp_path):
    _files(tmp_path, "tmp1a2b", "abc/photo.jpg", "def/other.jpg")
    delete_old_files(tmp_path, 60)
    assert len(_names(tmp_path)) == 3, "none is a minute old"
    time.sleep(1.2)
    _files(tmp_path, "ghi/new.jpg")
    delete_old_files(tmp_path, 1)
    assert _names(tmp_path) == {"new.jpg"}


def test_deleting_goes_on(tmp_path):
    keep_deleting(tmp_path, 0.1, 0.1)
    for name in ("a.jpg", "b.jpg"):
        _files(tmp_path, name)
        deadline = time.monotonic() + 20
        while _names(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not _names(tmp_path)


def test_folder_is_this_process_own_and_goes_with_it(tmp_path):
    code = (
        "import os; from age_model.page.uploads import UPLOADS; name = UPLOADS.name;"
        "open(f'{name}/left.jpg', 'w'); assert os.environ['GRADIO_TEMP_DIR'] == name;"
        "print(name, oct(os.stat(name).st_mode & 0o777))"
    )
    (tmp_path / "others.jpg").touch()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY, env={"GRADIO_TEMP_DIR": str(tmp_path), "PATH": ""},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    name, mode = done.stdout.split()
    assert Path(name).parent == tmp_path and mode == "0o700"
    assert _names(tmp_path) == {"others.jpg"} and not Path(name).exists()


def _started(parent: Path, code: str = "import time; time.sleep(60)") -> tuple:
    """A process that has a folder of uploads with a picture in it: the process, and the folder."""
    begin = (
        "from age_model.page.uploads import UPLOADS; open(f'{UPLOADS.name}/left.jpg', 'w').close();"
        "print(UPLOADS.name, flush=True);"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", begin + code],
        cwd=REPOSITORY, env={"GRADIO_TEMP_DIR": str(parent)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process, Path(process.stdout.readline().strip())


def test_folder_of_a_killed_process_goes_at_the_next_start(tmp_path):
    killed, dead = _started(tmp_path)
    alive, other = _started(tmp_path)
    assert dead.is_dir() and other.is_dir()
    killed.kill()
    killed.wait()
    assert (dead / "left.jpg").exists()
    (tmp_path / "age-of-someone-else.txt").touch()
    third, own = _started(tmp_path)
    assert not dead.exists(), "its process is dead"
    assert (other / "left.jpg").exists() and own.exists(), "their processes live"
    assert (tmp_path / "age-of-someone-else.txt").exists()
    for process in (alive, third):
        process.kill()
        process.wait()


def test_page_says_what_becomes_of_uploads():
    notes = render("page.html", "notes")
    assert "deleted within minutes" in notes and "at the next start" in notes


def test_what_others_put_beside_it_is_left_alone(tmp_path):
    for name in ("age-of-trees", "other"):
        _files(tmp_path, f"{name}/a.jpg")
    (tmp_path / "other" / uploads.LOCK).touch()
    (tmp_path / "age-link").symlink_to(tmp_path / "other")
    uploads.delete_dead_folders(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["age-link", "age-of-trees", "other"]
    assert (tmp_path / "other" / "a.jpg").exists()


def test_lock_is_not_taken_for_an_old_upload(tmp_path):
    _files(tmp_path, uploads.LOCK, "a.jpg")
    time.sleep(1.1)
    delete_old_files(tmp_path, 1)
    assert _names(tmp_path) == {uploads.LOCK}


def test_folder_that_cannot_be_made_is_said_in_words(tmp_path):
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-c", "import age_model.page.uploads"],
        cwd=REPOSITORY, env={"GRADIO_TEMP_DIR": str(tmp_path / "file" / "x")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "name another in GRADIO_TEMP_DIR" in done.stderr


@pytest.mark.parametrize("number, reason", [(errno.EROFS, "Read-only"), (errno.ENOSPC, "No space")])
@pytest.mark.parametrize("broken", ["tempfile.mkdtemp", "os.open"])
def test_read_only_or_full_folder_is_said_in_words(tmp_path, number, reason, broken):
    code = (
        "import os, tempfile\n"
        "def fail(*_, **__):\n"
        f"    raise OSError({number}, os.strerror({number}))\n"
        f"{broken} = fail\n"
        "import age_model.page.uploads"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY, env={"GRADIO_TEMP_DIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert reason in done.stderr and "name another in GRADIO_TEMP_DIR" in done.stderr
