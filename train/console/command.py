"""How every command runs: arguments, progress, and errors as one line with an exit status.

Exit status: 0, 1 for input that cannot be used, 2 for wrong usage, 130 after Ctrl-C. Results go to
standard output, progress (by tqdm) and errors to standard error.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from transformers import HfArgumentParser

from train.console.errors import InputError

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
OUR_PACKAGES = ("age_model", "train", "__main__")
Arguments = TypeVar("Arguments")


def run_command(
    program: str,
    arguments_type: type[Arguments],
    action: Callable[[Arguments], object],
    argv: list[str] | None = None,
) -> None:
    """Parse a command line, and do what it asks for.

    Args:
        program: as after `python -m`, such as "train.evaluate".
        arguments_type: dataclass whose fields are the options; it raises ValueError in
            `__post_init__` for values that do not fit.
        action: does the work, and prints what is to be said about it.
        argv: the command line; None takes that of the process.

    Raises:
        SystemExit: with the message and one of the statuses above, after printing the message.
    """
    with exit_on_error(program):
        action(parse_arguments(program, arguments_type, argv))


def parse_arguments(
    program: str, arguments_type: type[Arguments], argv: list[str] | None = None
) -> Arguments:
    """The command line as a dataclass; see `run_command`."""
    parser = HfArgumentParser(
        arguments_type, prog=f"python -m {program}", description=arguments_type.__doc__
    )
    with exit_on_error(program, status=WRONG_USAGE):
        (arguments,) = parser.parse_args_into_dataclasses(argv)
    return arguments


@contextmanager
def exit_on_error(program: str, status: int = FAILED) -> Iterator[None]:
    """End the process with one line, `PROGRAM: MESSAGE`, for what is wrong with the input.

    A ValueError that other packages raised is not about the input for sure: its traceback is shown
    too.
    """
    try:
        yield
    except (ValueError, OSError) as error:
        if not isinstance(error, OSError | InputError) and not _is_ours(error):
            traceback.print_exception(error)
        raise _exit(f"{program}: {error}", status) from None
    except KeyboardInterrupt:
        raise _exit(f"{program}: interrupted", INTERRUPTED) from None


def _is_ours(error: Exception) -> bool:
    (*_, (frame, _)) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals["__name__"].split(".")[0] in OUR_PACKAGES


def _exit(message: str, status: int) -> SystemExit:
    """SystemExit that holds the message too, for callers in Python."""
    print(message, file=sys.stderr)
    end = SystemExit(message)
    end.code = status
    return end
