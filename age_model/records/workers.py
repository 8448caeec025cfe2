"""Worker processes that examine pictures, each with a predictor and one thread of its own.

A processor is used up by one thread that does all the work for a picture: threads of several
processes that share a picture's work wait for each other (beside other work, ten times as long as
they work). So a worker decodes, finds and estimates; the main process only lists and writes.
"""

import math
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from age_model.records.columns import Answers
from age_model.records.pictures import Given, Question, Record
from age_model.results import picture_record

AHEAD = 4  # chunks for each worker, that may be done before the one that is to be written next
DIED = (
    "could not be examined: the process that did so was ended, perhaps for want of memory; try it "
    "alone"
)
THREADS = "OMP_NUM_THREADS"
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds, and those of a period


def usable_cpus() -> int:
    """Processors that this process may use, also in a container that is given a share of them."""
    cpus = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cpus = len(os.sched_getaffinity(0))
    with suppress(OSError, ValueError):  # no container, or no limit ("max")
        quota, period = map(int, CPU_QUOTA.read_text(encoding="ascii").split())
        cpus = min(cpus, math.ceil(quota / period))
    return max(cpus, 1)


def use_one_thread() -> None:
    """Let the libraries of this process work in the thread that calls them."""
    import torch

    from age_model.faces import detector

    torch.set_num_threads(1)
    detector.use_one_thread()


class Workers:
    """Processes that examine pictures; a context manager, at whose end they are ended.

    Attributes:
        answers: what their model says of each face.
    """

    def __init__(self, question: Question, count: int):
        """Start `count` processes.

        Raises:
            ValueError: there is no such model or detector.
            OSError: a process ended before it was ready.
        """
        self._question, self._context = question, _context()
        self._workers = [_Worker(self._context, question) for _ in range(count)]
        try:
            for worker in self._workers:
                self.answers = worker.ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._workers:
            worker.end()

    def records(self, chunks: Iterator[list[Given]]) -> Iterator[list[Record]]:
        """The records of each chunk, in the order of the chunks.

        A chunk whose process died is examined again, picture by picture; one that a process dies of
        has that as its error.
        """
        waiting: deque[_Task] = deque()  # in the order of their chunks; the first is written next
        free, busy = deque(self._workers), dict[Any, tuple[_Worker, _Task]]()  # by their lines
        tasks = (_Task(chunk) for chunk in chunks)
        more = True
        while more or waiting:
            while free and more and len(waiting) < AHEAD * len(self._workers):
                task = next(tasks, None)
                more = task is not None
                if task is not None:
                    waiting.append(task)
                    worker = free.popleft()
                    busy[worker.line] = worker.give(task)
            while waiting and waiting[0].is_done:
                yield waiting.popleft().records
            if not busy:
                continue
            for line in wait(list(busy)):
                worker, task = busy.pop(line)
                try:
                    task.records += worker.line.recv()
                except (EOFError, OSError):
                    task.process_died()
                    worker = self._replaced(worker)
                if task.is_done:
                    free.append(worker)
                else:
                    busy[worker.line] = worker.give(task)

    def _replaced(self, dead: "_Worker") -> "_Worker":
        dead.end()
        self._workers.remove(dead)
        worker = _Worker(self._context, self._question)
        self._workers.append(worker)
        worker.ready()
        return worker


class _Task:
    """A chunk, and the records of its first pictures."""

    def __init__(self, chunk: list[Given]):
        self._chunk, self._one_by_one = chunk, False
        self.records: list[Record] = []

    @property
    def is_done(self) -> bool:
        return len(self.records) == len(self._chunk)

    def next_pictures(self) -> list[Given]:
        start = len(self.records)
        return self._chunk[start : start + 1] if self._one_by_one else self._chunk[start:]

    def process_died(self) -> None:
        if self._one_by_one or len(self._chunk) == 1:
            self.records.append(picture_record(self._chunk[len(self.records)].name, error=DIED))
        self._one_by_one = True


class _Worker:
    """The main process's side of a worker."""

    def __init__(self, context: BaseContext, question: Question):
        self.line, theirs = context.Pipe()
        self._process = context.Process(  # type: ignore[attr-defined]
            target=_work, args=(theirs, question), daemon=True
        )
        with _one_thread_from_the_start():
            self._process.start()
        # Only the worker has the other end now, so that each sees when the other has died.
        theirs.close()

    def ready(self) -> Answers:
        """Wait until it has loaded its model, and say what that answers.

        Raises:
            ValueError: there is no such model or detector.
            OSError: it ended before.
        """
        try:
            answer = self.line.recv()
        except (EOFError, OSError) as error:
            self._process.join(10)
            raise OSError(
                f"a worker process ended (exit code {self._process.exitcode}) before it was ready, "
                "perhaps for want of memory; try fewer --workers"
            ) from error
        if isinstance(answer, ValueError):
            raise answer
        answers: Answers = answer
        return answers

    def give(self, task: _Task) -> tuple["_Worker", _Task]:
        """Let it examine what is next of a task; its answer comes by `line`."""
        with suppress(OSError):  # it has died: to be seen when its answer is waited for
            self.line.send(task.next_pictures())
        return self, task

    def end(self) -> None:
        self.line.close()
        self._process.kill()
        self._process.join()


@contextmanager
def _one_thread_from_the_start() -> Iterator[None]:
    """Start a process whose copies of OpenMP, of which each library brings one, have no threads.

    Told so later, by torch alone, they wait for each other: a photo takes ten times as long.
    """
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before


def _context() -> BaseContext:
    """How processes start: on Linux and macOS forked from one that has imported what they need."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["age_model.predictor", "age_model.faces.libfacedetection"])
    return context


def _work(line: Connection, question: Question) -> None:
    """A worker: answers each list of pictures by their records, until the main process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends this
    use_one_thread()
    with suppress(EOFError, OSError):
        try:
            predictor = question.load()
        except ValueError as error:
            line.send(error)
            return
        line.send(question.answers(predictor))
        while True:
            line.send(question.records(predictor, line.recv()))
