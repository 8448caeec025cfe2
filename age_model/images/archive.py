"""Pictures out of a zip that a visitor gave, unpacked in memory and never by the names in it."""

import functools
import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from age_model.images.files import shown_name
from age_model.images.load import IMAGE_SUFFIXES, MAX_BYTES, ImageError, check_bytes

# All that one zip may unpack to. Photos hardly shrink in a zip; scans and drawings do, but not by
# more than MAX_RATIO as a whole, while a zip bomb reaches a thousand and more.
MAX_UNPACKED = 2**30  # bytes
MAX_RATIO = 100
MAX_DIRECTORY = 2**20  # bytes: a list of some ten thousand files
CHUNK = 2**16  # bytes
IS_ENCRYPTED = 0x1  # of a zip's flags
# Those that zlib unpacks bit by bit; Python's bzip2 and LZMA give all at once, however much it is.
METHODS = (ZIP_STORED, ZIP_DEFLATED)


class GivenFile(NamedTuple):
    """A file that a visitor gave, by itself or in a zip.

    Attributes:
        name: to be shown, without folders; None where it stands for several.
        error: why it is not to be read; None where it may be.
        read: gives its bytes, at most `images.MAX_BYTES`, or raises ImageError.
    """

    name: str | None
    error: str | None = None
    read: Callable[[], bytes] | None = None


class PictureArchive:
    """A zip whose pictures are read one by one.

    Raises:
        ImageError: it is no zip, is damaged, or lists too many files.
    """

    def __init__(self, file: BinaryIO):
        """Read the list of its files; `file` is to stay open while they are read."""
        try:
            self._zip = ZipFile(_ShortReads(file))
        except ImageError:
            raise
        except Exception as error:  # damaged lists raise nearly anything
            raise ImageError("is not a zip file that can be read: pack it again") from error
        size = file.seek(0, os.SEEK_END)
        self._left = self._allowed = min(MAX_UNPACKED, max(MAX_BYTES, MAX_RATIO * size))

    def files(self) -> Iterator[GivenFile]:
        """Each file in the zip, in its order; without folders and what systems hide in zips."""
        for info in self._zip.infolist():
            # Files packed on Windows may have its slashes.
            parts = info.filename.replace("\\", "/").split("/")
            name = shown_name(parts[-1])
            if not name or name.startswith(".") or "__MACOSX" in parts:
                continue
            error = _problem(info, name)
            yield GivenFile(name, error, None if error else functools.partial(self._read, info))

    def _read(self, info: ZipInfo) -> bytes:
        """The bytes of a file. What its header says of its size is a hint, not a limit."""
        parts, size = [], 0
        try:
            self._check_left()
            with self._zip.open(info) as stream:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    self._left -= len(chunk)
                    check_bytes(size)
                    self._check_left()
                    parts.append(chunk)
        except ImageError:
            raise
        except Exception as error:  # a wrong checksum, a cut stream, headers that disagree
            raise ImageError("is damaged or cut short in the zip: pack it again") from error
        return b"".join(parts)

    def _check_left(self) -> None:
        if self._left < 0:
            raise ImageError(
                "was not unpacked: its zip, being of its size, may unpack to at most "
                f"{self._allowed // 2**20} MB; give the pictures themselves, or several zips"
            )


def _problem(info: ZipInfo, name: str) -> str | None:
    """Why a file in a zip is not to be unpacked, as far as its header tells."""
    if name.lower().endswith(".zip"):
        return "is a zip in a zip, which is not opened: give it by itself"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is a link or the like, not a picture"
    if not name.lower().endswith(IMAGE_SUFFIXES):
        return "is not named like a picture (.jpg, .png and the like)"
    if info.flag_bits & IS_ENCRYPTED:
        return "is encrypted: pack it again without a password"
    if info.compress_type not in METHODS:
        return "is packed in a rare way: pack it again as an ordinary zip"
    try:
        check_bytes(info.file_size)
    except ImageError as error:
        return str(error)
    return None


class _ShortReads:
    """A file of which nobody reads more than MAX_DIRECTORY bytes at once.

    `zipfile` takes in the whole list of files, as long as the zip says that it is, before it lets
    anyone see it, and a list of a hundred megabytes makes objects of a gigabyte.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(MAX_DIRECTORY + 1 if size < 0 else min(size, MAX_DIRECTORY + 1))
        if len(data) > MAX_DIRECTORY:
            raise ImageError("lists too many files for one zip: pack fewer of them")
        return data
