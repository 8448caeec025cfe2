"""`python -m age_model PATH...`: ages of the faces in pictures, from the command line."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, islice

from age_model import __version__
from age_model.images.files import listed_paths, picture_files
from age_model.labels import THRESHOLDS
from age_model.records.columns import Answers
from age_model.records.destination import check_destination, destination
from age_model.records.pictures import CHUNK, Given, Question, Record, chunks
from age_model.records.resume import Done, done_in, is_done
from age_model.records.summary import Summary
from age_model.records.workers import Workers, usable_cpus

SOME_FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
# To start worker processes takes seconds, so fewer pictures than these are examined in this one.
FEW = 64
FORMS = {
    "json": "one JSON object a picture, a line each",
    "csv": "a row a face",
    "parquet": "as --csv, in Parquet: --out names a folder, which gets a file each 1000 pictures",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see `--help`.

    Returns:
        exit status: 0, 1 if a picture failed, 2 for wrong usage (by SystemExit), 130 after Ctrl-C.
    """
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.version:
        print(_version(parser, args))
        return 0
    if not args.paths and not args.files_from:
        parser.error("expected pictures or folders of pictures, got none")
    if args.files_from and not os.access(args.files_from, os.R_OK):
        parser.error(
            f"--files-from: expected a list of paths, but {args.files_from} cannot be read"
        )
    if args.workers < 1:
        parser.error(f"--workers: expected 1 or more, got {args.workers}")
    problem = check_destination(args.form, args.out, args.resume)
    if problem:
        parser.error(problem)
    # Ended by the system, it ends as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return exit_status("age_model", lambda: _run(parser, args))


def exit_status(command: str, work: Callable[[], int]) -> int:
    """What a command's work ends with, also where it cannot go on, or Ctrl-C ends it."""
    try:
        return work()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    except OSError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return SOME_FAILED
    except KeyboardInterrupt:
        print(f"{command}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m age_model",
        description="Find the faces in pictures and say how old each of them looks. "
        "Exit status: 0, or 1 if a picture could not be used, or 2 for wrong usage.",
    )
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH",
        help="picture, or folder that is searched for pictures; - reads a list of both, one a "
        "line, from standard input")  # fmt: skip
    add("--files-from", metavar="LIST", help="file with a list of pictures and folders, one a line")
    form = parser.add_mutually_exclusive_group()
    for name, text in FORMS.items():
        form.add_argument(
            f"--{name}", dest="form", action="store_const", const=name, default="text", help=text
        )
    add("--out", metavar="FILE", help="write there, once complete, instead of to standard output")
    add("--resume", action="store_true",
        help="add to --out as the records come, and leave out the pictures that it has already; "
        "an interrupted run goes on when the same command is given again")  # fmt: skip
    add("--workers", type=int, default=usable_cpus(), metavar="N",
        help="processes that examine pictures side by side (default: one for each processor, here "
        f"%(default)s; up to {FEW} pictures need none)")  # fmt: skip
    add_question_options(parser)
    add("--version", action="store_true", help="say the version, the model and the face detector")
    return parser


def add_question_options(parser: argparse.ArgumentParser) -> None:
    """What to find out of each picture, and with what; see `question`."""
    add = parser.add_argument
    add("--crops", action="store_true",
        help="the pictures are faces already, framed as in UTKFace: detect none")  # fmt: skip
    add("--model", metavar="MODEL",
        help="folder of a checkpoint or its name on the Hugging Face Hub "
        "(default: $AGE_MODEL_ID, else the one that comes with this package)")  # fmt: skip
    add("--detector", metavar="DETECTOR",
        help='"libfacedetection", "haar", or the path of YuNet\'s .onnx file '
        "(default: $AGE_FACE_DETECTOR, else the first of YuNet on disk, libfacedetection, YuNet "
        "from the Hub, haar that can be had)")  # fmt: skip
    add("--device", metavar="DEVICE",
        help="where the network runs: auto (a GPU if there is one), cuda, cuda:1, mps or cpu "
        "(default: $AGE_DEVICE, else auto)")  # fmt: skip
    add("--ethnicity", action="store_true", help="also say the perceived ethnicity, for audits")
    ages = ", ".join(map(str, THRESHOLDS))
    add("--at-least", action="store_true",
        help=f"also say how probable it is that a face looks at least {ages} years old; "
        "not for verifying ages")  # fmt: skip


def question(args: argparse.Namespace) -> Question:
    """What the options of `add_question_options` ask."""
    at_least = THRESHOLDS if args.at_least else ()
    return Question(args.model, args.detector, args.crops, args.ethnicity, at_least, args.device)


def _version(parser: argparse.ArgumentParser, args: argparse.Namespace) -> str:
    from age_model.faces.detector import load_detector

    try:
        detector = load_detector(args.detector)
    except ValueError as error:
        parser.error(str(error))
    model = args.model or os.environ.get("AGE_MODEL_ID") or "age_model/checkpoint"
    return f"age_model {__version__}\nmodel: {model}\ndetector: {detector.name}"


def _run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    with ExitStack() as stack:
        try:
            asked, pictures = question(args), _pictures(args)
            answers, records = stack.enter_context(_records(asked, pictures, args.workers))
            write = stack.enter_context(destination(args.form, args.out, args.resume, answers))
        except ValueError as error:  # no such model or detector, or an output of something else
            parser.error(str(error))
        summary = Summary(silent=args.out is None and sys.stdout.isatty())
        stack.callback(summary.close)
        for some in records:
            write(some)
            summary.add(some)
    return SOME_FAILED if summary.failed else 0


def _pictures(args: argparse.Namespace) -> Iterator[Given]:
    """The pictures that are to be examined, one by one."""
    done = Done()
    if args.resume:
        done = done_in(args.form, args.out)
        print(f"{len(done)} pictures are done already", file=sys.stderr)
    found = picture_files(_paths(args))
    return (Given(*one) for one in found if not is_done(args.form, done, one[0]))


def _paths(args: argparse.Namespace) -> Iterator[str]:
    for path in args.paths:
        if path == "-":
            yield from listed_paths(sys.stdin.buffer)
        else:
            yield path
    if args.files_from:
        with open(args.files_from, "rb") as lines:
            yield from listed_paths(lines)


@contextmanager
def _records(
    asked: Question, pictures: Iterator[Given], workers: int
) -> Iterator[tuple[Answers, Iterator[list[Record]]]]:
    """What the model says of each face, and the pictures' records, a few at a time."""
    first = list(islice(pictures, FEW + 1))
    pictures = chain(first, pictures)
    if len(first) > FEW:
        with Workers(asked, workers) as started:
            yield started.answers, started.records(chunks(pictures, CHUNK))
        return
    predictor = asked.load()
    size = CHUNK if asked.crops else 1  # each photo's answer is seen at once
    yield (
        asked.answers(predictor),
        (asked.records(predictor, chunk) for chunk in chunks(pictures, size)),
    )
