import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from age_model.labels import ETHNICITIES, GENDERS
from train.data.sources.all_age_faces import read_all_age_faces
from train.data.sources.fairface import read_fairface
from train.data.sources.picture import Report
from train.data.sources.registry import SOURCES
from train.data.sources.utkface import read_utkface


def test_utkface_name_gives_the_labels(raw_utkface):
    pictures = {p.file: p for p in read_utkface([raw_utkface], Report())}
    picture = pictures["utkface/42_1_2_20180101000001100.jpg.chip.jpg"]
    assert (picture.age_type, picture.age_low, picture.age_high) == ("point", 42, 42)
    assert GENDERS[picture.gender] == "female" and ETHNICITIES[picture.ethnicity] == "Asian"
    assert picture.official_split is None


def test_malformed_name_is_reported_and_omitted(raw_utkface):
    report = Report()
    files = {p.file for p in read_utkface([raw_utkface], report)}
    bad = "utkface/39_1_20170116174525125.jpg.chip.jpg"
    assert bad not in files
    assert report.problems == {"name is not [age]_[gender]_[race]_[date]": [bad]}


def test_age_over_the_scale_is_clipped_and_reported(tmp_path):
    for age in (100, 116, 130):
        (tmp_path / f"{age}_0_0_20170112213500903.jpg.chip.jpg").write_bytes(b"x")
    report = Report()
    ages = [p.age_low for p in read_utkface([tmp_path], report)]
    assert ages == [100, 100]
    assert report.clipped_ages == ["utkface/116_0_0_20170112213500903.jpg.chip.jpg"]
    assert len(report.problems["name is not [age]_[gender]_[race]_[date]"]) == 1


def test_archive_gives_what_the_folder_gives(raw_utkface, tmp_path):
    archive = tmp_path / "UTKFace.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(raw_utkface, "UTKFace")
    from_folder = {p.file: p.image["bytes"] for p in read_utkface([raw_utkface], Report())}
    from_archive = {p.file: p.image["bytes"] for p in read_utkface([archive], Report())}
    assert from_archive == from_folder


def test_second_file_of_the_same_name_is_reported(raw_utkface):
    report = Report()
    once = len(list(read_utkface([raw_utkface], Report())))
    twice = len(list(read_utkface([raw_utkface, raw_utkface], report)))
    assert twice == once
    assert len(report.problems["the same file name a second time"]) == once


def test_folder_without_pictures_says_what_was_expected(tmp_path):
    with pytest.raises(ValueError, match="expected UTKFace pictures"):
        list(read_utkface([tmp_path], Report()))


def test_damaged_groups_are_repaired_and_counted(raw_fairface):
    report = Report()
    pictures = {p.file: p for p in read_fairface([raw_fairface], report)}
    assert len(pictures) == 150
    child, teenager = pictures["fairface/train/1.jpg"], pictures["fairface/train/2.jpg"]
    assert (child.age_low, child.age_high) == (3, 9)
    assert (teenager.age_low, teenager.age_high) == (10, 19)
    assert report.repaired_groups == {"03-Sep": 18, "Oct-19": 18}


def test_seven_ethnicities_fold_into_five(raw_fairface):
    pictures = {p.file: p for p in read_fairface([raw_fairface], Report())}
    names = [ETHNICITIES[pictures[f"fairface/train/{i}.jpg"].ethnicity] for i in range(7)]
    assert names == ["White", "Black", "Asian", "Asian", "Indian", "Others", "Others"]


def test_parquet_rows_and_unknown_groups(tmp_path):
    def row(file: str, age: str) -> dict:
        image = {"bytes": b"x", "path": file}
        return {"file": file, "image": image, "age": age, "gender": "Female", "race": "Indian"}

    rows = [row("train/1.jpg", "more than 70"), row("train/2.jpg", "old")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "fairface-train.parquet")
    report = Report()
    (picture,) = read_fairface([tmp_path], report)
    assert (picture.age_type, picture.age_low, picture.age_high) == ("interval", 70, 100)
    assert report.problems == {"age is not one of FairFace's groups": ["fairface/train/2.jpg"]}


def test_csv_without_a_column_names_it(tmp_path):
    (tmp_path / "labels.csv").write_text("file,age,gender\ntrain/1.jpg,0-2,Male\n")
    with pytest.raises(ValueError, match="lacks race"):
        list(read_fairface([tmp_path / "labels.csv"], Report()))


def test_picture_missing_beside_its_csv_is_reported(tmp_path):
    (tmp_path / "labels.csv").write_text("file,age,gender,race\ntrain/1.jpg,0-2,Male,White\n")
    report = Report()
    assert list(read_fairface([tmp_path / "labels.csv"], report)) == []
    assert report.problems["in the CSV, but there is no such file"] == ["fairface/train/1.jpg"]


def _all_age_faces(folder, *names: str):
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def test_all_age_faces_name_gives_age_and_gender(tmp_path):
    folder = _all_age_faces(tmp_path / "aaf", "07380A02.jpg", "07381A80.jpg", "1A20.jpg")
    report = Report()
    woman, man = read_all_age_faces([folder], report)
    assert (woman.file, woman.source) == ("all-age-faces/07380A02.jpg", "all-age-faces")
    assert (woman.age_type, woman.age_low, woman.age_high) == ("point", 2, 2)
    assert GENDERS[woman.gender] == "female" and woman.ethnicity == -1
    assert GENDERS[man.gender] == "male" and man.age_low == 80
    assert report.problems == {"name is not [number]A[age]": ["all-age-faces/1A20.jpg"]}


def test_all_age_faces_parquet_gives_what_the_folder_gives(tmp_path):
    names = ["00001A30.jpg", "07400A31.jpg"]
    folder = _all_age_faces(tmp_path / "aaf", *names)
    rows = [{"file": name, "image": {"bytes": name.encode(), "path": name}} for name in names]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "aaf.parquet")
    from_parquet = list(read_all_age_faces([tmp_path / "aaf.parquet"], Report()))
    assert from_parquet == list(read_all_age_faces([folder], Report())) and len(from_parquet) == 2


def test_all_age_faces_files_of_the_same_name_and_folders_of_other_things(tmp_path):
    folder = _all_age_faces(tmp_path / "aaf", "00001A30.jpg")
    report = Report()
    assert len(list(read_all_age_faces([folder, folder], report))) == 1
    assert report.problems == {"the same file name a second time": ["all-age-faces/00001A30.jpg"]}
    with pytest.raises(ValueError, match="expected All-Age-Faces pictures, found none"):
        list(read_all_age_faces([_all_age_faces(tmp_path / "empty")], Report()))
    with pytest.raises(ValueError, match=r"expected a folder or a \.parquet"):
        list(read_all_age_faces([folder / "00001A30.jpg"], Report()))


def test_what_is_known_of_a_source_is_enough_for_the_card_and_the_training():
    assert list(SOURCES) == ["utkface", "fairface", "all-age-faces"]
    for key, source in SOURCES.items():
        facts = source.to_dict()
        assert source.key == key and json.loads(json.dumps(facts)) == facts
        assert all(facts[name] for name in ("title", "labels", "licence", "citation", "url"))
        assert facts["label_sigma_per_year"] > 0
        assert 0 <= source.test_share + source.validation_share < 1
    assert SOURCES["all-age-faces"].label_sigma_per_year > SOURCES["utkface"].label_sigma_per_year
    assert [key for key, source in SOURCES.items() if not source.cropped] == ["all-age-faces"]
