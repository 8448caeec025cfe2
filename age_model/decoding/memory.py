"""Memory that the server shares with a decoding process, which writes a picture's pixels there."""

import mmap
import os
import weakref

import numpy as np

try:
    import fcntl
except ImportError:  # Windows, where nothing is decoded in another process
    fcntl = None  # type: ignore[assignment]


class SharedMemory:
    """Memory that nobody can shrink, which would crash whoever looks at it.

    Attributes:
        descriptor: to be sent to the process; `close` is to be called then.
    """

    _mapped: mmap.mmap  # once the descriptor is closed

    def __init__(self, size: int):
        """Reserve `size` bytes; the system gives each page when it is first written to."""
        self._size = size
        self._seen: weakref.ref[np.ndarray] | None = None
        self.descriptor = os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, size)
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)
        except BaseException:
            os.close(self.descriptor)
            raise

    def close(self) -> None:
        """Close the descriptor; the memory stays."""
        try:
            self._mapped = mmap.mmap(self.descriptor, self._size, prot=mmap.PROT_READ)
        finally:
            os.close(self.descriptor)

    def pixels(self, size: int) -> np.ndarray:
        """The first `size` bytes, (size,) uint8, read-only."""
        pixels = np.frombuffer(self._mapped, np.uint8, size)
        self._seen = weakref.ref(pixels)  # lives as long as any array that is made of it
        return pixels

    def is_in_use(self) -> bool:
        """Whether what `pixels` gave is still there: then nothing else may be written."""
        return self._seen is not None and self._seen() is not None
