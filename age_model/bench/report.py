"""What happened while many visitors came: `bench endure` counts it, prints it and judges it."""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MAX_GROWTH = 0.15


@dataclass
class Report:
    """What happened; visitors write to it from their threads.

    Attributes:
        requests: what was done, how often.
        refused: by the status of the answer.
        lost: what got no answer although the server was there, and why, how often.
        seconds: that each thing took, by its name.
        deaths: of the server, beside the kill -9.
        memory_mb, files: of the server and its processes, again and again; open files.
        settled_mb: its memory when nobody asks: at the start, a while after the restart, before
            the last tenth of the time, and at the end.
        left: files and folders of uploads that stayed.
        disk_mb: free at the start and at the end.
    """

    requests: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    compared: int = 0
    wrong: int = 0
    deaths: int = 0
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    settled_mb: list[float] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    disk_mb: list[float] = field(default_factory=list)

    def growth(self) -> float:
        """By what part the memory at the end exceeds the least since the restart."""
        *before, end = self.settled_mb[1:]
        return end / min(before) - 1

    def broken(self) -> list[str]:
        """What must not be, and was."""
        musts = {
            f"{self.wrong} wrong answers": self.wrong,
            f"{self.lost.total()} lost answers": self.lost,
            f"the server died {self.deaths} times": self.deaths,
            f"memory grew by {self.growth():.0%}, more than {MAX_GROWTH:.0%}": (
                self.growth() > MAX_GROWTH
            ),
            f"{len(self.left)} files or folders of uploads stayed": self.left,
            "no answer was compared": not self.compared,
        }
        return [text for text, is_broken in musts.items() if is_broken]

    def print(self) -> None:
        """Print it."""
        print(f"requests:  {self.requests.total()}: {_counts(self.requests)}")
        print(f"answers:   {self.compared} compared, {self.wrong} wrong")
        print(f"lost:      {self.lost.total()}: {_counts(self.lost)}")
        print(f"refused:   {self.refused.total()}: {_counts(self.refused)}")
        for name, seconds in sorted(self.seconds.items()):
            if len(seconds) > 1:
                p95 = statistics.quantiles(seconds, n=20)[-1]
                label = f"{name}:"
                print(f"{label:11}p50 {statistics.median(seconds):.2f} s, p95 {p95:.2f} s")
        print(f"deaths:    {self.deaths}, beside the kill -9")
        start, restart, tenth, end = self.settled_mb
        peak = max(self.memory_mb, default=0)
        print(
            f"memory:    {start:.0f} MB at the start, at most {peak:.0f}, {restart:.0f} after the "
            f"restart, {tenth:.0f} before the last tenth, {end:.0f} at the end "
            f"({self.growth():+.1%})"
        )
        print(f"files:     at most {max(self.files, default=0)} open")
        before, after = self.disk_mb
        print(
            f"disk:      {before:.0f} MB free at the start, {after:.0f} at the end; "
            f"left of uploads: {_counts(Counter(self.left))}"
        )


def _counts(counter: Counter[Any]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"
