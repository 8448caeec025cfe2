"""What Linux tells about processes, for the tests."""

import os
from pathlib import Path

from age_model.bench.processes import PeakMemory, children, memory_mb, tree

__all__ = ["PeakMemory", "decoders", "limits_of", "memory_mb", "tree"]


def decoders(forking: bool = False, server: int | None = None) -> list[int]:
    """Ids of the decoding processes of a server, or of the one that they are forked from.

    Args:
        forking: the latter.
        server: id of the server's process; None is this one.
    """
    parents = [p for p in children(server or os.getpid()) if "age_model.decoding" in _command(p)]
    return parents if forking else [child for parent in parents for child in children(parent)]


def limits_of(pid: int) -> dict[str, float]:
    """The soft limits of a process by their names, infinite where there is none."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    soft = {line[:26].strip(): line[26:].split()[0] for line in lines}
    return {name: float(value.replace("unlimited", "inf")) for name, value in soft.items()}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
