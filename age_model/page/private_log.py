"""A log of faults that holds nothing of the visitors."""

import logging
import traceback


def log_without_text(log: logging.Logger, what: str, error: Exception) -> None:
    """Log what went wrong and where, but not the error's text, which may quote a visitor's data.

    Args:
        what: could not be answered or examined, such as "a picture".
    """
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s with %s\n%s", type(error).__name__, what, places)
