"""`python -m age_model.cluster SOURCE --out FOLDER`: pictures by the million, by Ray Data."""

import argparse
import sys

from age_model.cli import SOME_FAILED, add_question_options, exit_status, question
from age_model.records.resume import done_in
from age_model.records.summary import Summary


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see `--help`.

    Returns:
        exit status: 0, 1 if a picture failed, 2 for wrong usage (by SystemExit), 130 after Ctrl-C.
    """
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        import ray  # noqa: F401
    except ImportError:
        parser.error('this command needs Ray: pip install "age-model[cluster]"')
    try:
        return exit_status("age_model.cluster", lambda: _run(args))
    except ValueError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m age_model.cluster",
        description="Find the faces in pictures and say how old each of them looks, on the "
        "machines of a Ray cluster. Given again, it leaves out the pictures that --out has "
        "already. Exit status: 0, or 1 if a picture could not be used, or 2 for wrong usage.",
    )
    add = parser.add_argument
    add("source", metavar="SOURCE",
        help="folder of pictures that every machine has at the same path, a bucket's address such "
        "as s3://bucket/folder, or Parquet with pictures in it")  # fmt: skip
    add("--out", metavar="FOLDER", required=True,
        help="folder or address for the Parquet files, with the columns of `age_model "
        "--parquet`")  # fmt: skip
    add("--address", metavar="ADDRESS",
        help='of a running cluster; "auto" is the one of this machine (default: start one here '
        "that ends with the command)")  # fmt: skip
    add("--actors", type=int, metavar="N",
        help="processes with a model each (default: one for each processor of the "
        "cluster)")  # fmt: skip
    add("--num-gpus", type=float, default=0, metavar="SHARE",
        help="GPUs for each actor, such as 0.25 for four that share one (default: 0)")  # fmt: skip
    add("--name-column", default="file", metavar="NAME",
        help="of Parquet: what each picture is called (default: %(default)s)")  # fmt: skip
    add("--data-column", default="image", metavar="NAME",
        help="of Parquet: the content of each picture's file (default: %(default)s)")  # fmt: skip
    add_question_options(parser)
    return parser


def _run(args: argparse.Namespace) -> int:
    from age_model.cluster.dataset import connected, examine
    from age_model.records.parquet import written_counts

    done = done_in("parquet", args.out)
    print(f"{len(done)} pictures are done already", file=sys.stderr)
    with connected(args.address):
        examine(
            args.source, args.out, question(args), done, args.actors, args.num_gpus,
            args.name_column, args.data_column,
        )  # fmt: skip
    summary = Summary(silent=True)
    for pictures, faces, errors in written_counts(args.out):
        summary.count(pictures, faces, errors)
    summary.close()
    return SOME_FAILED if summary.failed else 0


if __name__ == "__main__":
    sys.exit(main())
