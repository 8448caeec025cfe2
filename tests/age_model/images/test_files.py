import os

from age_model.images import files
from age_model.images.files import listed_paths, picture_files


def names(folder, found):
    return [os.path.relpath(path, folder) for path, problem in found if problem is None]


def test_large_folder_is_listed_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "NAMES_AT_ONCE", 3)
    wanted = {f"{i}.jpg" for i in range(8)} | {"below/9.PNG"}
    (tmp_path / "below").mkdir()
    for name in (*wanted, "notes.txt"):
        (tmp_path / name).touch()
    found = names(tmp_path, picture_files([str(tmp_path)]))
    assert len(found) == 9 and set(found) == wanted


def test_small_folder_is_in_the_order_of_its_names(tmp_path):
    for name in ("c.jpg", "a.jpg", "b/z.jpg", "b/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path, picture_files([str(tmp_path)])) == [
        "a.jpg", "b/a.jpg", "b/z.jpg", "c.jpg"
    ]  # fmt: skip


def test_links_to_files_are_pictures_and_links_to_folders_are_not_followed(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    (tmp_path / "nowhere.jpg").symlink_to("none.jpg")
    (tmp_path / "round.jpg").symlink_to(tmp_path)
    assert names(tmp_path, picture_files([str(tmp_path)])) == ["a.jpg", "link.jpg", "nowhere.jpg"]


def test_pictures_come_before_the_list_of_them_ends():
    def endless():
        while True:
            yield "a.jpg"

    assert next(picture_files(endless())) == ("a.jpg", None)


def test_list_has_a_path_a_line():
    lines = [b"a b.jpg\n", b"\n", b"caf\xe9.jpg\r\n", b"last.jpg"]
    assert list(listed_paths(lines)) == ["a b.jpg", os.fsdecode(b"caf\xe9.jpg"), "last.jpg"]
