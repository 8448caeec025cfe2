"""`python -m age_model PATH...`: ages of the faces in pictures, from the command line."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from age_model import __version__
from age_model.images.files import picture_files
from age_model.labels import THRESHOLDS
from age_model.records.output import check_out, output, record_writer
from age_model.records.pictures import crop_records, photo_records

SOME_FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
PROGRESS_EVERY = 100  # pictures, where standard error is no terminal


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
    if not args.paths:
        parser.error("expected pictures or folders of pictures, got none")
    problem = check_out(args.out)
    if problem:
        parser.error(problem)
    # Ended by the system, it deletes what it has begun to write, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(parser, args)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    except OSError as error:
        print(f"age_model: cannot write the output: {error}", file=sys.stderr)
        return SOME_FAILED
    except KeyboardInterrupt:
        print("age_model: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m age_model",
        description="Find the faces in pictures and say how old each of them looks. "
        "Exit status: 0, or 1 if a picture could not be used, or 2 for wrong usage.",
    )
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="picture, or folder that is searched for pictures")
    add("--crops", action="store_true",
        help="the pictures are faces already, framed as in UTKFace: detect none")  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    for name, text in (("json", "one JSON object a picture, a line each"), ("csv", "a row a face")):
        form.add_argument(
            f"--{name}", dest="form", action="store_const", const=name, default="text", help=text
        )
    add("--out", metavar="FILE", help="write there, once complete, instead of to standard output")
    add("--model", metavar="MODEL",
        help="folder of a checkpoint or its name on the Hugging Face Hub "
        "(default: $AGE_MODEL_ID, else the one that comes with this package)")  # fmt: skip
    add("--detector", metavar="DETECTOR",
        help='"libfacedetection", "haar", or the path of YuNet\'s .onnx file '
        "(default: $AGE_FACE_DETECTOR, else the first of YuNet on disk, libfacedetection, YuNet "
        "from the Hub, haar that can be had)")  # fmt: skip
    add("--ethnicity", action="store_true", help="also say the perceived ethnicity, for audits")
    ages = ", ".join(map(str, THRESHOLDS))
    add("--at-least", action="store_true",
        help=f"also say how probable it is that a face looks at least {ages} years old; "
        "not for verifying ages")  # fmt: skip
    add("--version", action="store_true", help="say the version, the model and the face detector")
    return parser


def _version(parser: argparse.ArgumentParser, args: argparse.Namespace) -> str:
    from age_model.faces.detector import load_detector

    try:
        detector = load_detector(args.detector)
    except ValueError as error:
        parser.error(str(error))
    model = args.model or os.environ.get("AGE_MODEL_ID") or "age_model/checkpoint"
    return f"age_model {__version__}\nmodel: {model}\ndetector: {detector.name}"


def _run(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    # Takes seconds, so not before it is needed.
    from age_model.predictor import AgePredictor

    files = list(picture_files(args.paths))
    try:
        # With --crops no face is searched for, so nothing is fetched for that.
        detector = args.detector or ("haar" if args.crops else None)
        predictor = AgePredictor.from_pretrained(args.model, detector)
    except ValueError as error:
        parser.error(str(error))
    at_least = THRESHOLDS if args.at_least else ()
    records = (crop_records if args.crops else photo_records)(
        predictor, files, ethnicity=args.ethnicity, at_least=at_least
    )
    silent_bar = args.out is None and sys.stdout.isatty()
    faces = failed = 0
    with output(args.out) as stream:
        write = record_writer(args.form, stream, args.ethnicity, at_least)
        for record in _with_progress(records, len(files), silent_bar):
            write(record)
            stream.flush()
            faces += len(record["faces"])
            failed += record["error"] is not None
    print(f"{len(files)} pictures, {faces} faces, {failed} failed", file=sys.stderr)
    return SOME_FAILED if failed else 0


def _with_progress(
    records: Iterator[dict[str, Any]], total: int, silent_bar: bool
) -> Iterator[dict[str, Any]]:
    """The records, with their count on standard error: a bar, or a line every PROGRESS_EVERY."""
    if sys.stderr.isatty():
        # On one terminal with the results a bar would be torn apart; there the results are enough.
        yield from tqdm(records, total=total, unit="picture", disable=silent_bar)
        return
    for number, record in enumerate(records, start=1):
        yield record
        if number % PROGRESS_EVERY == 0:
            print(f"{number} of {total} pictures", file=sys.stderr)
