"""Measure how fast the project is: `python -m age_model.bench --help`."""

import argparse
import sys

from age_model.bench import app, batch, decoding, endure, live, load, model, page

FAILED, INTERRUPTED = 1, 130


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """What to measure, and its options."""
    parser = argparse.ArgumentParser(
        prog="python -m age_model.bench", description=__doc__.split(":")[0] + "."
    )
    commands = parser.add_subparsers(required=True, dest="what")
    command = commands.add_parser("model", help="a face, 500 faces, a photo; beside a ViT-B/16")
    model.add_options(command)
    command.set_defaults(run=model.run)
    command = commands.add_parser("batch", help="many files: the command line, and Ray")
    batch.add_options(command)
    command.set_defaults(run=batch.run)
    command = commands.add_parser("start", help="how long the app takes to start, step by step")
    command.set_defaults(run=app.run_start)
    command = commands.add_parser("memory", help="what the app holds in memory after many photos")
    app.add_memory_options(command)
    command.set_defaults(run=app.run_memory)
    command = commands.add_parser("decoding", help="time and memory of decoding in processes")
    decoding.add_options(command)
    command.set_defaults(run=decoding.run)
    command = commands.add_parser("live", help="frames a second and delay of a running demo's Live")
    live.add_options(command)
    command.set_defaults(run=live.run)
    command = commands.add_parser("page", help="how a running demo's page feels in Chromium")
    page.add_options(command)
    command.set_defaults(run=page.run)
    command = commands.add_parser("load", help="how long 1 to 64 visitors wait for their photos")
    load.add_options(command)
    command.set_defaults(run=load.run)
    command = commands.add_parser("endure", help="many visitors, some of them hostile, for a while")
    endure.add_options(command)
    command.set_defaults(run=endure.run)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print.

    Returns:
        exit status: 0, 1 if it could not be measured, 2 for wrong usage (by SystemExit), 130 after
        Ctrl-C.
    """
    options = parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError) as error:  # no server there, or one without such a tab
        print(f"age_model.bench: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("age_model.bench: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
