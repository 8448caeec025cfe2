"""Room on the disk for uploads, which is reserved while they are under way."""

import shutil
from collections.abc import Callable
from pathlib import Path

KEEP_FREE = 512 * 2**20  # bytes of the disk that uploads leave alone
STEP = 16 * 2**20  # bytes that an upload reserves at a time where it does not say its length


class Room:
    """What uploads may still take. To be used by one thread: that of the server's event loop.

    The disk alone does not say it: twelve uploads that begin together would each see all of it.
    """

    def __init__(self, folder: Callable[[], str]):
        """Watch the disk of a folder, which need not be there yet."""
        self._folder = folder
        self._reserved = 0  # bytes announced, and not yet written

    def has(self, size: int) -> bool:
        """Whether there are `size` bytes now."""
        folder = Path(self._folder()).absolute()
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return shutil.disk_usage(there).free >= self._reserved + size + KEEP_FREE

    def reserve(self, size: int) -> bool:
        """Set `size` bytes aside, and say whether there were so many."""
        if not self.has(size):
            return False
        self._reserved += size
        return True

    def release(self, size: int) -> None:
        """Give back `size` bytes: they are written, or will not come."""
        self._reserved -= size


class Reservation:
    """The part of a Room that one upload has."""

    def __init__(self, room: Room):
        self._room, self._left = room, 0

    def begin(self, announced: int | None) -> bool:
        """Reserve what an upload says that it brings; says whether there is room."""
        return self._more(STEP if announced is None else announced)

    def written(self, size: int) -> bool:
        """Note that `size` bytes came; says whether there is room for them."""
        if size > self._left and not self._more(max(STEP, size)):
            return False
        self._left -= size
        self._room.release(size)
        return True

    def end(self) -> None:
        """Give back what did not come."""
        self._room.release(self._left)
        self._left = 0

    def _more(self, size: int) -> bool:
        good = self._room.reserve(size)
        self._left += size if good else 0
        return good
