"""The options of `train.prepare`: which pictures, and where the prepared data goes."""

from collections import Counter
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path

from train.console.errors import InputError
from train.data.sources.own import columns_of, own_source
from train.data.sources.picture import Source
from train.data.sources.registry import SOURCES
from train.data.sources.rows import COLUMNS

FOR_ONE_SOURCE = ("name", "title", "licence", "citation", "url")  # options about a single --source


@dataclass
class PrepareOptions:
    """What `train.prepare` takes beside the public data sets."""

    out: str = field(metadata={"help": "Folder to write; replaced when the run ends well."})
    source: list[str] = field(
        default_factory=list,
        metadata={
            "action": "extend",
            "help": "Pictures of your own: folders with metadata.csv or metadata.jsonl, .parquet "
            "files, or ids of data sets on the Hugging Face Hub.",
        },
    )
    columns: list[str] = field(
        default_factory=list,
        metadata={
            "help": f"How columns of --source are called there, such as age=Alter; for any of "
            f"{', '.join(COLUMNS)}."
        },
    )
    crop: bool = field(
        default=False,
        metadata={"help": "--source has whole photos: find the face in each and crop it."},
    )
    name: str | None = field(
        default=None,
        metadata={"help": "Short name of --source; none: that of its folder. This and the next "
                  "four can also stand in a source.json beside the metadata."},
    )  # fmt: skip
    title: str | None = field(default=None, metadata={"help": "Its name in the model card."})
    licence: str | None = field(default=None, metadata={"help": "Its licence, for the card."})
    citation: str | None = field(default=None, metadata={"help": "How to cite it, for the card."})
    url: str | None = field(default=None, metadata={"help": "Where it comes from, for the card."})
    detector: str | None = field(
        default=None,
        metadata={"help": "Face detector for whole photos, as for `python -m age_model`."},
    )
    write_split_lists: bool = field(
        default=False,
        metadata={"help": "Add the new files to the committed lists in train/data/split_lists."},
    )

    def __post_init__(self) -> None:
        if not self.source and not any(getattr(self, option) for option in OPTIONS):
            options = " or ".join(f"--{option} PATH..." for option in (*OPTIONS, "source"))
            raise InputError(f"expected pictures: give {options}")
        given = [path for option in OPTIONS for path in getattr(self, option)]
        # What is no path may be the id of a data set on the Hub.
        given += [path for path in self.source if path.count("/") != 1 or path.startswith(".")]
        if missing := [path for path in given if not Path(path).exists()]:
            raise InputError(f"no such file or folder: {', '.join(missing)}")
        single = [option for option in FOR_ONE_SOURCE if getattr(self, option) is not None]
        if single and len(self.source) != 1:
            raise InputError(
                f"expected one --source with --{' and --'.join(single)}, got {len(self.source)}; "
                "give each a source.json beside its metadata"
            )

    def sources(self) -> list[tuple[Source, list[Path]]]:
        """The sources given, each with its paths.

        Raises:
            InputError: two have the same key, or a source.json cannot be used.
        """
        found = [
            (source, [Path(path) for path in getattr(self, option)])
            for option, source in OPTIONS.items()
            if getattr(self, option)
        ]
        options = {name: getattr(self, name) for name in FOR_ONE_SOURCE}
        options |= {"columns": columns_of(self.columns), "crop": self.crop}
        given = {name: value for name, value in options.items() if value}
        found += [(own_source(location, given), [Path(location)]) for location in self.source]
        keys = Counter(source.key for source, _ in found)
        twice = sorted(key for key, count in keys.items() if count > 1)
        if twice:
            raise InputError(
                f"expected sources of different names, got {', '.join(twice)} twice; "
                "give another --name, or one in its source.json"
            )
        return found


# An option for each source: --utkface, --all_age_faces and so on.
OPTIONS = {key.replace("-", "_"): source for key, source in SOURCES.items()}
PrepareArguments = make_dataclass(
    "PrepareArguments",
    [
        (option, list[str], field(default_factory=list, metadata={"help": source.help}))
        for option, source in OPTIONS.items()
    ],
    bases=(PrepareOptions,),
    namespace={"__doc__": PrepareOptions.__doc__},
)
