"""Measure how fast the project is: `python -m age_model.bench model`, `start`, `memory` or `live`."""

import argparse
import sys

from age_model.bench import app as app_bench
from age_model.bench import live as live_bench
from age_model.bench import model as model_bench


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """What to measure, and its options."""
    parser = argparse.ArgumentParser(
        prog="python -m age_model.bench", description=__doc__.split(":")[0] + "."
    )
    commands = parser.add_subparsers(required=True, dest="what")
    model = commands.add_parser("model", help="a face, 500 faces, a photo; beside a ViT-B/16")
    model_bench.add_options(model)
    model.set_defaults(run=model_bench.run)
    start = commands.add_parser("start", help="how long the app takes to start, step by step")
    start.set_defaults(run=app_bench.run_start)
    memory = commands.add_parser("memory", help="what the app holds in memory after many photos")
    app_bench.add_memory_options(memory)
    memory.set_defaults(run=app_bench.run_memory)
    live = commands.add_parser("live", help="frames a second and delay of a running demo's Live")
    live_bench.add_options(live)
    live.set_defaults(run=live_bench.run)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    options = parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError) as error:  # no server there, or one without such a tab
        print(f"age_model.bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
