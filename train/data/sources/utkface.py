"""UTKFace: aligned faces with the age in the file's name."""

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from age_model.labels import MAX_AGE
from train.console.errors import InputError
from train.data.sources.picture import PICTURE_SUFFIXES, Picture, Report, Source, pictures_below

# [age]_[gender]_[race]_[date and time], then one of several endings, ".jpg.chip.jpg" the usual one.
UTKFACE_NAME = re.compile(r"^(\d{1,3})_([01])_([0-4])_\d{8,}.*\.jpe?g$", re.IGNORECASE)
OLDEST = 122  # years; an age over it in a file name is a slip of the pen


def read_utkface(paths: list[Path], report: Report) -> Iterator[Picture]:
    """Pictures of UTKFace from folders and .tar(.gz) files, in the order of paths and names.

    Raises:
        InputError: a path is neither, or holds no picture.
    """
    seen: set[str] = set()
    for path in paths:
        found = 0
        for name, data in _files(path):
            found += 1
            file = f"utkface/{name}"
            match = UTKFACE_NAME.match(name)
            if name in seen:
                report.omit(file, "the same file name a second time")
            elif not match or int(match[1]) > OLDEST:
                report.omit(file, "name is not [age]_[gender]_[race]_[date]")
            else:
                seen.add(name)
                age, gender, race = (int(group) for group in match.groups())
                if age > MAX_AGE:
                    report.clipped_ages.append(file)
                age = min(age, MAX_AGE)
                image = {"bytes": data, "path": name}
                yield Picture(file, "utkface", image, "point", age, age, gender, race, None)
        if not found:
            raise InputError(
                f"{path}: expected UTKFace pictures (*.jpg), found none; give the folder or "
                "archive that holds files such as 25_0_2_20170116174525125.jpg.chip.jpg"
            )


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the pictures in a folder or archive; nothing is unpacked to disk."""
    if path.is_dir():
        yield from pictures_below(path)
    elif path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member)  # None for what is no file
                if content and Path(member.name).suffix.lower() in PICTURE_SUFFIXES:
                    yield Path(member.name).name, content.read()
    else:
        raise InputError(f"{path}: expected a folder or a .tar.gz of UTKFace, and it is neither")


UTKFACE = Source(
    key="utkface",
    title="UTKFace",
    labels="age in years, gender, ethnicity",
    licence="non-commercial research only; the pictures belong to their owners",
    citation="Zhang, Song and Qi, Age Progression/Regression by Conditional Adversarial "
    "Autoencoder, CVPR 2017",
    url="https://susanqq.github.io/UTKFace/",
    notes="Its ages were estimated by a model and checked by people, and are wrong in part.",
    read=read_utkface,
    help="UTKFace: folders and .tar.gz files.",
)
