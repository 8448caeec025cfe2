"""The log: faults alone, nothing of the visitors, few entries a minute, in small files."""

import logging
import sys
import time
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

ENTRIES_A_MINUTE = 60
FILE_BYTES = 5 * 2**20
OLDER_FILES = 3  # are kept: NAME.1, NAME.2, NAME.3


def log_without_text(log: logging.Logger, what: str, error: Exception) -> None:
    """Log what went wrong and where, but not the error's text, which may quote a visitor's data.

    Args:
        what: could not be answered or examined, such as "a picture".
    """
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s with %s\n%s", type(error).__name__, what, places)


def open_log(file: Path | None) -> None:
    """Let everything that logs here write to one place.

    Args:
        file: begins anew at FILE_BYTES, and its last OLDER_FILES are kept; None is standard error.

    Raises:
        OSError: the file cannot be written.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        handler = RotatingFileHandler(
            file, maxBytes=FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8"
        )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(FewEntries())
    logging.getLogger().addHandler(handler)


class FewEntries(logging.Filter):
    """Lets ENTRIES_A_MINUTE through: nobody is to fill the disk with what goes wrong for them."""

    def __init__(self) -> None:
        super().__init__()
        self._minute, self._entries = 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether an entry may be written; the first of a minute says how many were left out."""
        minute, left_out = int(time.monotonic() / 60), self._entries - ENTRIES_A_MINUTE
        if minute != self._minute:
            self._minute, self._entries = minute, 0
            if left_out > 0:
                record.msg = f"{record.getMessage()}\n({left_out} others were left out before)"
                record.args = ()
        self._entries += 1
        return self._entries <= ENTRIES_A_MINUTE
