"""From a source to Parquet files, by Ray Data: blocks of pictures, actors, a file a block."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset

from age_model.cluster.examiner import Examiner
from age_model.cluster.sources import (
    SMALL_TASK_CPUS,
    is_parquet,
    parquet_blocks,
    path_blocks,
)
from age_model.records.pictures import Question
from age_model.records.resume import Done

PACKAGES = str(Path(__file__).parents[2])
# Of a processor: the rest is left to the tasks that read and write.
ACTOR_CPUS = 1 - SMALL_TASK_CPUS
# Ray ends processes beyond one for each processor that wait for a second, and the actors count as
# such: so each file that is written would start a process, at one to two seconds of a processor.
IDLE_WORKERS = "RAY_idle_worker_killing_time_threshold_ms", "600000"


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """A connection to a cluster, or to one that is started here for the block.

    Raises:
        OSError: there is no such cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no report to its makers
    os.environ.setdefault(*IDLE_WORKERS)
    # For a checkout that is not installed: its machines have it at the same path.
    path = os.pathsep.join(filter(None, (PACKAGES, os.environ.get("PYTHONPATH"))))
    ray.init(address, runtime_env={"env_vars": {"PYTHONPATH": path}}, include_dashboard=False)
    try:
        yield
    finally:
        ray.shutdown()


def examine(
    source: str,
    out: str,
    question: Question,
    done: Done,
    actors: int | None = None,
    num_gpus: float = 0,
    name_column: str = "file",
    data_column: str = "image",
) -> None:
    """Write the rows of all pictures of a source that are not done.

    Args:
        source: see `sources`.
        out: folder or address; Ray Data names its files.
        question: what to find out.
        done: pictures to leave out.
        actors: how many; None for one for each processor, or as many as GPUs allow.
        num_gpus: for each actor.
        name_column, data_column: see `sources.parquet_blocks`.

    Raises:
        ValueError: there is no such model or detector, source or column.
    """
    context = DataContext.get_current()
    context.enable_progress_bars = sys.stderr.isatty()
    most = actors or _most_actors(num_gpus)
    blocks: Dataset
    if is_parquet(source):
        blocks = parquet_blocks(source, name_column, data_column)
    else:
        blocks = path_blocks(source, done, most)
    rows = blocks.map_batches(
        Examiner,
        fn_constructor_args=(question, done),
        # Not a fixed size: when a node is lost, its actors wait for a place that others leave.
        compute=ActorPoolStrategy(
            min_size=1, max_size=most, initial_size=most, max_tasks_in_flight_per_actor=2
        ),
        batch_format="pyarrow",
        batch_size=None,
        num_cpus=ACTOR_CPUS,
        num_gpus=num_gpus,
    )
    rows.write_parquet(out, compression="zstd", ray_remote_args={"num_cpus": SMALL_TASK_CPUS})


def _most_actors(num_gpus: float) -> int:
    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
    most = int(resources.get("CPU", 1))
    if num_gpus > 0:
        most = min(most, int(resources.get("GPU", 0) / num_gpus))
        if most == 0:
            raise ValueError(f"--num-gpus {num_gpus}: the cluster has no such GPU")
    return max(most, 1)
