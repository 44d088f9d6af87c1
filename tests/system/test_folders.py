"""Folders that cannot be used: the reason, and the settings that name others."""

import errno
import os
from pathlib import Path

import pytest

from mardm_batch.errors import InputError
from mardm_batch.system import folders
from mardm_batch.system.folders import check_utf8, check_working_folder, explain_unwritable


@pytest.mark.parametrize(
    ("name", "words"), [(b"${x}", "has ${ in its path"), (b"caf\xe9", "caf\udce9: the name is not UTF-8")]
)
def test_a_working_folder_that_settings_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: bytes, words: str
) -> None:
    folder = tmp_path / os.fsdecode(name)
    folder.mkdir()
    monkeypatch.chdir(folder)
    with pytest.raises(InputError) as refused:
        check_working_folder()
    assert words in str(refused.value)


def test_a_working_folder_that_was_deleted_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(InputError, match="the working folder was deleted"):
        check_working_folder()
    monkeypatch.chdir(tmp_path)
    check_working_folder()


def test_a_word_that_is_not_utf_8_is_refused() -> None:
    check_utf8("", "paths.output=é€")
    with pytest.raises(InputError, match="^paths.output=.*: the name is not UTF-8"):
        check_utf8("", os.fsdecode(b"paths.output=caf\xe9"))


def make_unwritable(setting: str, folder: Path, error: Exception, **others: str) -> str:
    with pytest.raises(InputError) as refused, explain_unwritable(setting, folder, others):
        raise error
    return str(refused.value)


def test_the_reason_is_named_that_the_operating_system_does_not_say(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("")
    exists = FileExistsError(errno.EEXIST, "File exists")
    assert "link is a link to nowhere, which does not exist" in make_unwritable("a", tmp_path / "link", exists)
    assert f"{tmp_path}/file is not a folder" in make_unwritable("a", tmp_path / "file" / "b" / "c", exists)
    long = OSError(errno.ENAMETOOLONG, "File name too long")
    assert "cannot be written to: File name too long; " in make_unwritable("a", tmp_path / ("b" * 300) / "c", long)
    full = OSError(errno.ENOSPC, "No space left on device")
    assert make_unwritable("a", tmp_path / "b", full) == (
        f"a={tmp_path}/b: cannot be written to: No space left on device; name another folder: a=DIR"
    )
    absent = FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/x")
    assert "a=/proc/x: cannot be written to: a folder cannot be made there; " in make_unwritable(
        "a", Path("/proc/x"), absent
    )


def test_a_log_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    error = ValueError("Unable to configure handler 'file'")
    error.__cause__ = IsADirectoryError(errno.EISDIR, "Is a directory", str(tmp_path / "my.log"))
    assert "my.log: Is a directory" in make_unwritable("hydra.run.dir", tmp_path, error)
    with pytest.raises(ValueError, match="another"), explain_unwritable("hydra.run.dir", tmp_path, {}):
        raise ValueError("another")


def test_all_settings_are_named_that_must_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "is_writable", lambda folder: str(folder) == "good")
    error = OSError(errno.EROFS, "Read-only file system")
    text = make_unwritable("hydra.run.dir", tmp_path, error, temp="bad", output="good")
    assert text.endswith("; name another folder: hydra.run.dir=DIR temp=DIR")


def test_whether_a_folder_can_be_written_to_is_seen_before_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert folders.is_writable(tmp_path / "a" / "b")
    assert not folders.is_writable(tmp_path / "file" / "b")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("folder", None),
        ("to-folder", None),
        ("none", "no such folder"),
        ("none/below", "no such folder"),
        ("file", "is not a folder"),
        ("to-file", "is not a folder"),
        ("file/below", "{}/file is not a folder"),
        ("dangling", "is a link to nowhere, which does not exist"),
        ("loop", "is a link that leads back to itself"),
        ("loop/below", "{}/loop is a link that leads back to itself"),
        ("a" * 300, "cannot be read: File name too long"),
    ],
)
def test_the_reason_is_named_that_a_path_is_no_folder(tmp_path: Path, name: str, problem: str | None) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for link, target in {"to-folder": "folder", "to-file": "file", "dangling": "nowhere", "loop": "loop"}.items():
        (tmp_path / link).symlink_to(target)
    assert folders.folder_problem(tmp_path / name) == (problem and problem.format(tmp_path))


def test_a_link_to_itself_is_told_where_something_is_to_be_written(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    circular = OSError(errno.ELOOP, "Too many levels of symbolic links")
    text = make_unwritable("a", tmp_path / "loop", circular)
    assert f"cannot be written to: {tmp_path}/loop is a link that leads back to itself; " in text
