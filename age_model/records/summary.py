"""What a run came to: pictures, faces, and errors by their reason."""

import re
import sys
import time
from collections import Counter

from tqdm import tqdm

from age_model.records.pictures import Record

PROGRESS_SECONDS = 10.0  # between two lines, where standard error is no terminal


def reason(error: str) -> str:
    """The part of an error that many pictures share: without its details and its advice."""
    return re.split(r" \(|[:,;]", error, maxsplit=1)[0]


class Summary:
    """Counts records, and says on standard error how many there are.

    Attributes:
        pictures, faces: how many there were.
        reasons: how many pictures had an error, by its `reason`.
    """

    def __init__(self, silent: bool = False):
        """With `silent` no bar is shown; on one terminal with the results it would be torn."""
        self.pictures = self.faces = 0
        self.reasons: Counter[str] = Counter()
        self._is_terminal = sys.stderr.isatty()
        self._bar = tqdm(unit="picture", disable=silent or not self._is_terminal)
        self._began = self._said = time.monotonic()

    @property
    def failed(self) -> int:
        """How many pictures had an error."""
        return self.reasons.total()

    def add(self, records: list[Record]) -> None:
        """Count some more."""
        faces = sum(len(record["faces"]) for record in records)
        self.count(len(records), faces, [r["error"] for r in records if r["error"]])

    def count(self, pictures: int, faces: int, errors: list[str]) -> None:
        """Count so many more, some of which have an error."""
        self.pictures += pictures
        self.faces += faces
        self.reasons.update(map(reason, errors))
        self._bar.update(pictures)
        now = time.monotonic()
        if not self._is_terminal and now - self._said >= PROGRESS_SECONDS:
            self._said = now
            rate = self.pictures / (now - self._began)
            print(f"{self} ({rate:.1f} pictures a second)", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Say what it came to."""
        self._bar.close()
        print(self, file=sys.stderr)
        for words, count in self.reasons.most_common():
            print(f"  {count} failed: {words}", file=sys.stderr)

    def __str__(self) -> str:
        return f"{self.pictures} pictures, {self.faces} faces, {self.failed} failed"
