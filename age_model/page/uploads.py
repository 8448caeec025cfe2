"""Where uploads lie: a folder of this process alone, so that what is old in it can go unasked.

Gradio deletes what it knows of. It does not know of uploads that broke off halfway, nor of the
copies that its MCP server makes of pictures in requests. To be imported before Gradio.
"""

import os
import shutil
import stat
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: folders of dead processes stay
    fcntl = None  # type: ignore[assignment]

PREFIX = "age-"
LOCK = ".age-model-uploads"  # in a process's folder: locked by it for as long as it lives


def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """Make the folder, readable for this user only, and let Gradio know.

    It lies in the folder that GRADIO_TEMP_DIR names, if any. Those of processes that were killed
    are deleted.
    """
    parent = os.environ.get("GRADIO_TEMP_DIR")
    try:
        if parent:
            Path(parent).mkdir(parents=True, exist_ok=True)
        delete_dead_folders(Path(parent or tempfile.gettempdir()))
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent, ignore_cleanup_errors=True)
        _lock(Path(folder.name))
    except OSError as error:  # read-only or full
        sys.exit(
            f"no folder for uploads can be made in {parent or 'the temporary folder'} "
            f"({error.strerror}): name another in GRADIO_TEMP_DIR"
        )
    os.environ["GRADIO_TEMP_DIR"] = folder.name
    return folder


def _lock(folder: Path) -> bool:
    """Take a folder for this process; says whether nobody else had it."""
    if fcntl is None:
        return False
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    _locks.append(
        descriptor
    )  # stays open: the system lets go of it with the process, however it ends
    return True


_locks: list[int] = []


def delete_dead_folders(parent: Path) -> None:
    """Delete the folders in `parent` that processes of this user left when they died.

    That a process lives is known by its lock, not by its id, which another may have by now.
    """
    if fcntl is None:
        return
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another process may be quicker
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
                continue
            if (folder / LOCK).is_file() and _lock(folder):  # without the file it is not ours
                shutil.rmtree(folder, ignore_errors=True)
                os.close(_locks.pop())


UPLOADS = _own_folder()  # deleted when Python ends


def delete_old_files(folder: Path, seconds: float) -> None:
    """Delete the files below `folder` that did not change for so long."""
    latest = time.time() - seconds
    for path in list(folder.rglob("*")):
        with suppress(OSError):  # Gradio may have been quicker
            # The times in the file system may be up to a tick behind the clock.
            if path.name == LOCK or not path.is_file():
                continue
            if path.lstat().st_ctime <= latest:
                path.unlink()


def keep_deleting(folder: Path, every_seconds: float, seconds: float) -> None:
    """Call `delete_old_files` again and again in a thread, as long as the process runs."""

    def work() -> None:
        while True:
            time.sleep(every_seconds)
            delete_old_files(folder, seconds)

    threading.Thread(target=work, daemon=True).start()
