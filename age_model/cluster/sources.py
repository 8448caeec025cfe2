"""What there is to examine, as a Ray dataset: paths of pictures, or rows that hold pictures."""

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import ray
from ray.data import DataContext, Dataset

from age_model.images.files import picture_files
from age_model.images.load import IMAGE_SUFFIXES
from age_model.records.parquet import PART_PICTURES, SUFFIX, located
from age_model.records.pictures import Given
from age_model.records.resume import Done

# Blocks for each actor, so that all of them are busy to the end.
BLOCKS_AN_ACTOR = 4
# Of a processor, for a task that mostly waits: beside the actors, which leave that much free.
SMALL_TASK_CPUS = 0.1
# The columns of a block. A path need not be UTF-8.
BLOCK = pa.schema({"name": pa.binary(), "problem": pa.string(), "data": pa.large_binary()})


def path_blocks(source: str, done: Done, actors: int) -> Dataset:
    """The pictures below a folder, on a disk that all nodes have or in a bucket.

    Only their paths: each actor reads its files itself, so that no picture crosses the network
    twice, and a file that cannot be read is an error of that file alone.

    Args:
        source: path or address; a picture's path, for one.
        done: those to leave out.
        actors: how many there are to be.
    """
    found = _in_bucket(source) if "://" in source else picture_files([source])
    left = [(os.fsencode(name), problem) for name, problem in found if name not in done]
    size = min(max(len(left) // (BLOCKS_AN_ACTOR * actors), 1), PART_PICTURES)
    blocks = []
    for start in range(0, len(left), size):
        names, problems = zip(*left[start : start + size], strict=True)
        blocks.append(pa.table([names, problems, [None] * len(names)], schema=BLOCK))
    return ray.data.from_arrow(blocks or [BLOCK.empty_table()])


def _in_bucket(address: str) -> Iterator[tuple[str, str | None]]:
    filesystem, path = located(address)
    scheme = address.split("://", 1)[0]
    for info in filesystem.get_file_info(pafs.FileSelector(path, recursive=True)):
        if info.is_file and info.path.lower().endswith(IMAGE_SUFFIXES):
            yield f"{scheme}://{info.path}", None


def is_parquet(source: str) -> bool:
    """Whether a source is a Parquet file, or a folder that has some at its top."""
    if source.endswith(SUFFIX):
        return True
    filesystem, path = located(source)
    if filesystem.get_file_info(path).type != pafs.FileType.Directory:
        return False
    infos = filesystem.get_file_info(pafs.FileSelector(path))
    return any(info.path.endswith(SUFFIX) for info in infos)


def parquet_blocks(source: str, name_column: str, data_column: str) -> Dataset:
    """The rows of Parquet files that hold pictures.

    Args:
        source: path or address of a file or a folder.
        name_column: what each picture is called; every name once.
        data_column: bytes of the picture's file, or a struct with such "bytes", as Hugging Face's
            data sets have.
    """

    def block(rows: pa.Table) -> pa.Table:
        data = rows[data_column]
        if pa.types.is_struct(data.type):
            data = pc.struct_field(data, "bytes")
        name = rows[name_column].cast(pa.string()).cast(pa.binary())
        columns = [name, pa.nulls(len(rows), pa.string()), data.cast(pa.large_binary())]
        return pa.table(columns, schema=BLOCK)

    # The newer reader lists files in a task that waits for a whole processor: none is left.
    DataContext.get_current().use_datasource_v2 = False
    return ray.data.read_parquet(
        source, columns=[name_column, data_column], ray_remote_args={"num_cpus": SMALL_TASK_CPUS}
    ).map_batches(block, batch_format="pyarrow", batch_size=None, num_cpus=SMALL_TASK_CPUS)


def pictures(block: pa.Table, done: Done) -> Iterator[Given]:
    """The pictures of a block, but for those done."""
    for name, problem, data in zip(*(c.to_pylist() for c in block.columns), strict=True):
        if os.fsdecode(name) not in done:
            yield Given(os.fsdecode(name), problem, data)
