"""What Linux tells about processes, for the tests."""

import os
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
