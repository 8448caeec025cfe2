"""All-Age-Faces: whole photos of mostly Asian faces, with the age in the file's name."""

import re
from collections.abc import Iterator
from pathlib import Path

from age_model.labels import GENDERS
from train.console.errors import InputError
from train.data.sources.picture import (
    MISSING,
    Picture,
    Report,
    Source,
    parquet_rows,
    pictures_below,
)

# [number]A[age].jpg; the numbers of women come first.
NAME = re.compile(r"^(\d{5})A(\d{2,3})\.\w+$")
LAST_WOMAN = 7380
# Of the 188 groups of identical files among 12,122, the two labels' difference says how noisy a
# label is: its standard deviation is 1.6 years below 20 (10 groups), 3.1 from 20 to 39 (77), 7.1
# from 40 to 59 (65) and 5.9 from 60 on (36), about a tenth of the age.
LABEL_SIGMA_PER_YEAR = 0.1


def read_all_age_faces(paths: list[Path], report: Report) -> Iterator[Picture]:
    """Pictures of All-Age-Faces from its folder as published or from .parquet files of it.

    Raises:
        InputError: a path is neither, or holds no picture.
    """
    seen: set[str] = set()
    for path in paths:
        found = 0
        for name, data in _files(path):
            found += 1
            file = f"all-age-faces/{name}"
            match = NAME.match(name)
            if name in seen:
                report.omit(file, "the same file name a second time")
            elif not match:
                report.omit(file, "name is not [number]A[age]")
            else:
                seen.add(name)
                age = int(match[2])
                gender = GENDERS.index("female" if int(match[1]) <= LAST_WOMAN else "male")
                image = {"bytes": data, "path": name}
                yield Picture(
                    file, "all-age-faces", image, "point", age, age, gender, MISSING, None
                )
        if not found:
            raise InputError(
                f"{path}: expected All-Age-Faces pictures, found none; give the folder that holds "
                "files such as 00000A02.jpg, or a .parquet file of it"
            )


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from pictures_below(path)
    elif path.suffix == ".parquet" and path.is_file():
        for row in parquet_rows(path, {"file"}):
            yield row["file"], row["bytes"]
    else:
        raise InputError(
            f"{path}: expected a folder or a .parquet of All-Age-Faces, and it is neither"
        )


ALL_AGE_FACES = Source(
    key="all-age-faces",
    title="All-Age-Faces",
    labels="age in years, gender",
    licence="none stated, citation asked for; treated as non-commercial research only",
    citation="Cheng, Li, Wang, Yu and Wang, Exploiting effective facial patches for robust gender "
    "recognition, Tsinghua Science and Technology 2019",
    url="https://github.com/JingchunCheng/All-Age-Faces-Dataset",
    read=read_all_age_faces,
    help="All-Age-Faces: its folder of original photos, or .parquet files of it.",
    validation_share=0.0,  # the lists have what is measured on, as many of each decade
    test_share=0.0,
    cropped=False,
    label_sigma_per_year=LABEL_SIGMA_PER_YEAR,
    balanced_decades=(60, 125),
)
