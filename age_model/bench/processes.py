"""What Linux tells about a process and all that it started."""

import threading
from contextlib import suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    """Ids of the processes that a process started and that have not ended."""
    return _by_parent().get(pid, [])


def tree(pid: int) -> list[int]:
    """Ids of a process and of all that it started, and they did."""
    started, found = _by_parent(), [pid]
    for one in found:  # which grows meanwhile
        found += started.get(one, [])
    return found


def _by_parent() -> dict[int, list[int]]:
    """Ids of the processes that each one started and that have not ended."""
    started: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended since
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                started.setdefault(int(parent), []).append(int(entry.name))
    return started


def memory_mb(pid: int) -> float:
    """Memory of a process and of all that it started, MB; what they share counts once."""
    total = 0
    for one in tree(pid):
        with suppress(OSError):  # it may have ended
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += int(rollup.split("\nPss:")[1].split()[0])
    return total / 1024


class PeakMemory:
    """Watches the memory of a process and of all that it started, while a block runs.

    Attributes:
        mb: the most that was seen.
    """

    def __init__(self, pid: int, every: float = 0.03):
        """Look `every` so many seconds."""
        self.mb, self._pid, self._every, self._over = 0.0, pid, every, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self.mb = max(self.mb, memory_mb(self._pid))

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
