"""Readers of one's own pictures: what tables say, what is refused, and by which reason."""

import json

import datasets
import pytest
from PIL import Image

from age_model.labels import ETHNICITIES, GENDERS
from tests.support.own_pictures import picture, write_folder, write_source_json
from train.console.errors import InputError
from train.data.sources.arguments import PrepareArguments
from train.data.sources.own import own_source
from train.data.sources.picture import Report
from train.data.sources.rows import AGE_EXPECTED


def read(location, report=None, **options):
    source = own_source(str(location), options)
    pictures = source.read([location], report or Report())
    return {p.file.removeprefix(f"{source.key}/"): p for p in pictures}


@pytest.fixture
def folder(astronaut, tmp_path):
    def make(rows, name="photos"):
        return write_folder(tmp_path / name, astronaut, rows)

    return make


@pytest.mark.parametrize(
    ("row", "age_type", "low", "high"),
    [
        ({"age": "34"}, "point", 34, 34),
        ({"age": "34.9"}, "point", 34, 34),
        ({"age": "110"}, "point", 100, 100),
        ({"age": "20-29"}, "interval", 20, 29),
        ({"age": "20 to 29"}, "interval", 20, 29),
        ({"age": "70+"}, "interval", 70, 100),
        ({"age": "more than 70"}, "interval", 70, 100),
        ({"age_low": "13", "age_high": "17"}, "interval", 13, 17),
        ({"age_low": "65"}, "interval", 65, 100),
        ({"age_high": "12.0"}, "interval", 0, 12),
        ({"age": "NaN", "gender": "f"}, "none", -1, -1),
    ],
)
def test_ages_are_years_or_groups(folder, row, age_type, low, high):
    found = read(folder([row]))["000.jpg"]
    assert (found.age_type, found.age_low, found.age_high) == (age_type, low, high)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"age": "young"}, AGE_EXPECTED),
        ({"age": "340"}, AGE_EXPECTED),
        ({"age": "-5"}, AGE_EXPECTED),
        ({"age": "29-20"}, AGE_EXPECTED),
        ({"age": "03-Sep"}, AGE_EXPECTED),
        ({"age_low": "30", "age_high": "20"}, "age_low is over age_high"),
        ({"age": ""}, "no label: neither age nor gender nor ethnicity"),
        ({"age": "3", "split": "mine"}, "split is none of train, validation and test"),
    ],
)
def test_rows_that_cannot_be_used_are_named_with_the_reason(folder, row, reason):
    report = Report()
    assert not read(folder([row]), report)
    assert report.problems == {reason: ["photos/000.jpg"]}


def test_other_labels_and_columns_of_other_names(folder):
    rows = [
        {"Alter": 30, "sex": "W", "ethnicity": "east asian", "subject": "anna", "split": "dev"},
        {"Alter": 31, "sex": "diverse", "ethnicity": "Latino_Hispanic", "subject": ""},
    ]
    report = Report()
    columns = {"age": "Alter", "gender": "sex"}
    first, second = read(folder(rows), report, columns=columns, name="My Photos").values()
    assert first.source == "my-photos" and first.file == "my-photos/000.jpg"
    assert (GENDERS[first.gender], ETHNICITIES[first.ethnicity]) == ("female", "Asian")
    assert (first.subject, first.official_split) == ("my-photos/anna", "validation")
    assert (second.gender, ETHNICITIES[second.ethnicity]) == (-1, "Others")
    assert second.subject is second.official_split is None
    assert report.unknown_labels == {"gender: diverse": 1}


def test_metadata_in_folders_of_splits_as_imagefolder_has_it(folder):
    photos = folder([{"age": 1}], "photos/train").parent
    folder([{"age": 2}, {"file_name": "more/a.jpg", "age": 3}], "photos/test")
    found = {name: (p.age_low, p.official_split) for name, p in read(photos).items()}
    assert found == {
        "train/000.jpg": (1, "train"),
        "test/000.jpg": (2, "test"),
        "test/more/a.jpg": (3, "test"),
    }


def test_rows_without_a_file_and_files_without_a_row_are_named(folder):
    photos = folder([{"age": 1}, {"age": 2}, {"age": 3}])
    with (photos / "metadata.csv").open("a") as metadata:
        metadata.write("gone.jpg,4\n../other.jpg,5\n001.jpg,9\n")
    Image.new("RGB", (9, 9)).save(photos / "new.jpg")
    report = Report()
    assert [p.age_low for p in read(photos, report).values()] == [1, 2, 3]
    assert report.problems == {
        "in the metadata, but there is no such file": ["photos/gone.jpg"],
        "file_name leads out of the folder": ["photos/../other.jpg"],
        "the same file name a second time": ["photos/001.jpg"],
        "no row in the metadata": ["photos/new.jpg"],
    }


def test_json_lines_and_semicolons_say_the_same(folder):
    rows = [{"age": 30, "gender": "male"}, {"age": 40, "gender": "female"}]
    photos = folder(rows)
    csv = photos / "metadata.csv"
    expected = read(photos)
    csv.write_text("\ufeff" + csv.read_text().replace(",", ";"), encoding="utf-8")
    assert read(photos) == expected
    lines = [json.dumps({"file_name": f"00{i}.jpg"} | row) for i, row in enumerate(rows)]
    (photos / "metadata.jsonl").write_text("\n".join(lines) + "\n\n")
    csv.unlink()
    assert read(photos) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metadata.csv", "file,age\n1.jpg,3\n", "lacks file_name"),
        ("metadata.csv", "file_name,age\n\xe4.jpg,3\n", "text in UTF-8"),
        ("metadata.jsonl", "{}\n{oops\n", "lacks file_name"),
        ("metadata.jsonl", '{"file_name": "1.jpg"}\n[1]\n', "line 2: expected a JSON object"),
        ("notes.txt", "", "expected metadata.csv or metadata.jsonl"),
    ],
)
def test_metadata_that_cannot_be_read(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message):
        read(tmp_path)


def rows_with_images(astronaut, count=4):
    genders = datasets.ClassLabel(names=["Male", "Female"])
    features = datasets.Features(
        image=datasets.Image(), age=datasets.Value("int64"), gender=genders
    )
    rows = [{"image": picture(astronaut, i), "age": 30 + i, "gender": i % 2} for i in range(count)]
    return datasets.Dataset.from_list(rows, features=features)


def test_parquet_files_are_streamed_with_their_class_names(astronaut, tmp_path):
    table = rows_with_images(astronaut)
    file = tmp_path / "faces.parquet"
    table.to_parquet(file)
    found = read(file)
    assert list(found) == [f"train/{i:07d}" for i in range(4)]
    assert [p.age_low for p in found.values()] == [30, 31, 32, 33]
    assert [GENDERS[p.gender] for p in found.values()] == ["male", "female"] * 2
    assert all(p.image["bytes"].startswith(b"\x89PNG") for p in found.values())
    assert own_source(str(file), {}).key == "faces"


def test_a_folder_of_parquet_files_has_the_splits_of_their_names(astronaut, tmp_path):
    data = tmp_path / "faces" / "data"
    data.mkdir(parents=True)
    for split in ("train", "test"):
        rows_with_images(astronaut).to_parquet(data / f"{split}-00000-of-00001.parquet")
    found = read(tmp_path / "faces")
    assert {(p.official_split, p.file.split("/")[1]) for p in found.values()} == {
        ("train", "train"),
        ("test", "test"),
    }
    assert len(found) == 8


def test_a_table_without_pictures_says_so(tmp_path):
    file = tmp_path / "faces.parquet"
    datasets.Dataset.from_list([{"age": 3}]).to_parquet(file)
    with pytest.raises(InputError, match="lacks image"):
        read(file)


def test_what_is_to_be_known_comes_from_source_json_and_options_win(folder):
    photos = folder([{"Alter": 5}])
    facts = {"name": "Museum", "title": "Museum visitors", "licence": "CC BY-NC 4.0",
             "citation": "Me, 2026", "columns": {"age": "Alter"}, "crop": True,
             "label_sigma_per_year": 0.1}  # fmt: skip
    write_source_json(photos, **facts)
    source = own_source(str(photos), {"title": "Visitors"})
    assert source.key == "museum" and source.title == "Visitors" and not source.cropped
    assert source.to_dict() == {
        "title": "Visitors", "labels": "", "licence": "CC BY-NC 4.0", "citation": "Me, 2026",
        "cropped": False, "label_sigma_per_year": 0.1,
    }  # fmt: skip
    assert read(photos)["000.jpg"].age_low == 5


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"license": "MIT"}, "got license: 'MIT'"),
        ({"crop": "yes"}, "got crop: 'yes'"),
        ({"columns": {"years": "Alter"}}, "got years"),
        ({"name": "utkface"}, "other than utkface"),
        ({"name": "…"}, "a name with letters"),
    ],
)
def test_a_source_json_that_cannot_be_used(folder, facts, message):
    photos = folder([{"age": 5}])
    write_source_json(photos, **facts)
    with pytest.raises(InputError, match=message):
        own_source(str(photos), {})


def test_options_of_one_source_and_names_given_twice(folder):
    one, two = folder([{"age": 5}], "a/photos"), folder([{"age": 6}], "b/photos")
    both = {"out": "data", "source": [str(one), str(two)]}
    with pytest.raises(InputError, match="expected one --source with --title, got 2"):
        PrepareArguments(**both, title="Mine")
    with pytest.raises(InputError, match="got photos twice"):
        PrepareArguments(**both).sources()
    with pytest.raises(InputError, match="such as age=Alter, got age"):
        PrepareArguments(out="data", source=[str(one)], columns=["age"]).sources()
    with pytest.raises(InputError, match="no such file or folder: "):
        PrepareArguments(out="data", source=["./gone"])
    write_source_json(two, name="others")
    assert [source.key for source, _ in PrepareArguments(**both).sources()] == ["photos", "others"]


def test_a_data_set_that_the_hub_does_not_have(monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="no data set on the Hub that can be read"):
        read("somebody/no-such-faces")
