"""Where uploads lie: a folder of this process alone, so that what is old in it can go unasked.

Gradio deletes what it knows of. It does not know of uploads that broke off halfway, nor of the copies
that its MCP server makes of pictures in requests. To be imported before Gradio.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def _own_folder() -> tempfile.TemporaryDirectory[str]:
    """Make the folder, readable for this user only, and let Gradio know.

    It lies in the folder that GRADIO_TEMP_DIR names, if any.
    """
    parent = os.environ.get("GRADIO_TEMP_DIR")
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="age-", dir=parent, ignore_cleanup_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = folder.name
    return folder


UPLOADS = _own_folder()  # deleted when Python ends


def delete_old_files(folder: Path, seconds: float, keep: set[str]) -> None:
    """Delete the files below `folder` that did not change for so long, but for those in `keep`."""
    latest = time.time() - seconds
    for path in list(folder.rglob("*")):
        with suppress(OSError):  # Gradio may have been quicker
            # The times in the file system may be up to a tick behind the clock.
            if path.is_file() and str(path) not in keep and path.lstat().st_ctime <= latest:
                path.unlink()


def keep_deleting(
    folder: Path, every_seconds: float, seconds: float, kept: Callable[[], set[str]]
) -> None:
    """Call `delete_old_files` again and again in a thread, as long as the process runs."""

    def work() -> None:
        while True:
            time.sleep(every_seconds)
            delete_old_files(folder, seconds, kept())

    threading.Thread(target=work, daemon=True).start()
