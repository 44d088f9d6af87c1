"""Names of files: from ids and places, what they never begin with, and how long the file system lets them be."""

import hashlib
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from mardm_batch.prompts.names import file_name, further_poses, is_name_of, max_name_bytes, name_prompts
from mardm_batch.prompts.prompt_file import Entry
from mardm_batch.prompts.prompt_list import read_prompts


def names(entries: list[tuple[str, Any]], source: str, max_bytes: int = 240) -> list[str]:
    listed = (Entry(caption, {} if value is None else {"id": value}) for caption, value in entries)
    return [prompt.name for prompt in name_prompts(listed, source, max_bytes)]


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("- A person sits", "A_person_sits"),
        ("-rf", "rf"),
        ("--help me", "help_me"),
        ("-_-_a", "a"),
        ("A person -like sits", "like_sits"),
        ("!-a", "a"),
        ("...a", "a"),
        (".hidden", "hidden"),
        ("\u2013 a", "_a"),
        ("a-b", "a-b"),
    ],
)
def test_names_begin_with_neither_a_hyphen_nor_a_dot(caption: str, name: str):
    assert file_name(caption) == name


@pytest.mark.parametrize("caption", ["-", "--", "-_-", "- -", "."])
def test_a_caption_of_hyphens_is_named_by_its_hash(caption: str):
    assert file_name(caption).startswith("caption-")


def test_names_are_those_of_the_column_id():
    entries = [
        ("a", "000001"),
        ("b", 7),
        ("c", 8.0),
        ("d", "x/../y z"),
        ("e", "-1"),
        ("f", "A person sits"),
        ("g", "con"),
    ]
    *listed, device = names(entries, "id")
    assert listed == ["000001", "7", "8", "xy_z", "1", "A_person_sits"]
    assert device.startswith("con-")


def test_entries_without_a_usable_id_are_named_by_their_row():
    entries = [("a", None), ("b", "x"), ("c", [1]), ("d", True), ("e", ""), ("f", {"a": 1})]
    assert names(entries, "id") == ["000000", "x", "000002", "000003", "000004", "000005"]
    assert names(entries, "index") == [f"{number:06d}" for number in range(6)]


def test_an_id_that_several_captions_share_gets_a_hash_except_the_first():
    first, second, third = names([("a", "X1"), ("b", "x1"), ("c", "X1")], "id")
    assert first == "X1"
    assert second == "x1-3e23e816"  # SHA-256 of the caption
    assert third == "X1-2e7d2c03"


def test_the_column_id_is_found_in_any_case(tmp_path: Path):
    (tmp_path / "a.csv").write_text("ID,caption\n12,sits\n13,stands\n", encoding="utf-8")
    assert [prompt.name for prompt in read_prompts(tmp_path / "a.csv", names="id").prompts] == ["12", "13"]
    (tmp_path / "a.json").write_text('{"0": ["sits", "stands"], "1": "lies"}', encoding="utf-8")
    listed = [prompt.name for prompt in read_prompts(tmp_path / "a.json", names="id").prompts]
    assert (listed[0], listed[2]) == ("0", "1")
    assert listed[1].startswith("0-")


def test_rows_and_places_are_counted_over_distinct_captions(tmp_path: Path):
    (tmp_path / "a.txt").write_text("sits\nsits\nstands\n", encoding="utf-8")
    for source in ("index", "id"):
        assert [p.name for p in read_prompts(tmp_path / "a.txt", names=source).prompts] == ["000000", "000001"]


def test_a_name_of_any_kind_is_recognised():
    entries = [Entry("sits", {"id": "x y"}), Entry("stands", {"id": "x_y"}), Entry("lies"), Entry("\u8dd1" * 100)]
    for source in ("caption", "id", "index"):
        for max_bytes in (240, 128):
            for prompt in name_prompts(entries, source, max_bytes):
                assert is_name_of(prompt.name, prompt.caption, prompt.source)
    assert not is_name_of("stands", "sits", {"id": "x"})
    assert not is_name_of("x", "sits")
    assert not is_name_of("sit", "sits down")


@pytest.mark.parametrize(("limit", "expected"), [(255, 240), (4096, 240), (143, 128), (-1, 240), (14, 16)])
def test_names_fit_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, expected: int):
    monkeypatch.setattr(os, "pathconf", lambda path, name: limit)
    assert max_name_bytes(tmp_path / "not" / "there") == expected


def test_a_system_that_does_not_say_its_limit_has_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def unknown(path: Path, name: str) -> int:
        raise OSError

    monkeypatch.setattr(os, "pathconf", unknown)
    assert max_name_bytes(tmp_path) == 240
    monkeypatch.delattr(os, "pathconf")
    assert max_name_bytes(tmp_path) == 240


@pytest.mark.parametrize("limit", [255, 143, 64])
def test_names_have_room_for_hash_and_suffix(limit: int):
    max_bytes = limit - 15
    texts = [
        start + end for start in ("x" * 300, "\u8dd1" * 300, "e\u0301" * 300, "\U0001d11e\u00e9" * 200) for end in "ab"
    ]
    listed = name_prompts((Entry(unicodedata.normalize("NFC", text)) for text in texts), max_bytes=max_bytes)
    assert len({prompt.name for prompt in listed}) == len(texts)
    for prompt in listed:
        assert len(prompt.name.encode()) + len(".clip.npy") <= limit
        assert len(file_name(prompt.caption, max_bytes)) <= 200


@pytest.mark.skipif(os.name != "posix", reason="a folder in use cannot be removed")
def test_a_deleted_working_folder_has_the_usual_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert max_name_bytes(Path("poses")) == 240


def test_further_poses_have_numbers_and_the_first_keep_their_names() -> None:
    prompts = name_prompts([Entry("A person waving"), Entry("waving__2"), Entry("A person 坐" + "é" * 300)])
    poses = further_poses(prompts, 3)
    assert [pose for pose in poses if pose.number == 1] == list(prompts)
    assert [pose.name for pose in poses[:3]] == [
        "waving",
        f"waving-{hashlib.sha256(b'A person waving').hexdigest()[:8]}__2",
        "waving__3",
    ]
    assert [pose.name for pose in poses[3:6]] == ["waving__2", "waving__2__2", "waving__2__3"]
    assert len({pose.name for pose in poses}) == len({pose.key for pose in poses}) == 9
    for pose in poses:
        assert is_name_of(pose.name, pose.caption, pose.source, pose.number)
        assert not is_name_of(pose.name, "something else", pose.source, pose.number)
    assert further_poses(prompts, 1) == prompts


def test_every_name_leaves_room_for_the_longest_suffix() -> None:
    captions = ["é" * 300 + ending for ending in ("a", "b", "c")]
    prompts = further_poses(name_prompts(map(Entry, captions)), 1000)
    longest = max(len(f"{prompt.name}.clip.npy".encode()) for prompt in prompts)
    assert 250 < longest <= 255
    short = further_poses(name_prompts(map(Entry, captions), max_bytes=100), 12, 100)
    assert max(len(prompt.name.encode()) for prompt in short) <= 106
