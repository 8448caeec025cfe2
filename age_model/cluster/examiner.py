"""The actor: a predictor of its own, and the files that it reads while it works."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from age_model.cluster.sources import pictures
from age_model.images.load import ImageError, check_bytes
from age_model.records.parquet import located, table
from age_model.records.pictures import CHUNK, Given, Question, chunks
from age_model.records.resume import Done
from age_model.records.workers import use_one_thread

READERS = 8  # files of a bucket that are read at once


class Examiner:
    """Turns blocks of pictures (`sources.BLOCK`) into blocks of rows (`records.parquet.schema`)."""

    def __init__(self, question: Question, done: Done):
        """Load the model; leave out the pictures that are done."""
        use_one_thread()
        self._question, self._done = question, done
        self._predictor = question.load()
        self._answers = question.answers(self._predictor)

    def __call__(self, block: pa.Table) -> pa.Table:
        """The rows of a block's pictures."""
        records = [
            record
            for some in _read_ahead(chunks(pictures(block, self._done), CHUNK))
            for record in self._question.records(self._predictor, some)
        ]
        return table(records, self._answers)


def _read_ahead(some: Iterable[list[Given]]) -> Iterator[list[Given]]:
    """The chunks with their files' content; the next one is read while one is worked with."""
    with ThreadPoolExecutor(READERS) as readers:
        reading = None
        for chunk in some:
            following = [readers.submit(_read, picture) for picture in chunk]
            if reading is not None:
                yield [one.result() for one in reading]
            reading = following
        if reading is not None:
            yield [one.result() for one in reading]


def _read(picture: Given) -> Given:
    """A picture with its content, where that lies in a bucket: a file on a disk is read later."""
    if picture.problem or picture.data is not None or "://" not in picture.name:
        return picture
    try:
        filesystem, path = located(picture.name)
        with filesystem.open_input_file(path) as file:
            check_bytes(file.size())
            return picture._replace(data=file.read())
    except ImageError as error:
        return picture._replace(problem=str(error))
    except FileNotFoundError:
        return picture._replace(problem="no such file: check the path")
    except OSError as error:
        return picture._replace(problem=f"cannot be read: {error}")
