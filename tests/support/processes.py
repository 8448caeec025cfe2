"""What Linux tells about processes, for the tests."""

import os
import threading
from contextlib import suppress
from pathlib import Path


def decoders(forking: bool = False, server: int | None = None) -> list[int]:
    """Ids of the decoding processes of a server, or of the one that they are forked from.

    Args:
        forking: the latter.
        server: id of the server's process; None is this one.
    """
    parents = [p for p in _children(server or os.getpid()) if "age_model.decoding" in _command(p)]
    return parents if forking else [child for parent in parents for child in _children(parent)]


def limits_of(pid: int) -> dict[str, float]:
    """The soft limits of a process by their names, infinite where there is none."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    soft = {line[:26].strip(): line[26:].split()[0] for line in lines}
    return {name: float(value.replace("unlimited", "inf")) for name, value in soft.items()}


def tree(pid: int) -> list[int]:
    """Ids of a process and of all that it started, and they did."""
    return [pid, *(one for child in _children(pid) for one in tree(child))]


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

    def __init__(self, pid: int):
        self.mb, self._pid, self._over = 0.0, pid, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(0.03):
            self.mb = max(self.mb, memory_mb(self._pid))

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and int(status[1]) == pid and status[0] != "Z":
            found.append(int(entry.name))
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
