"""Files are written whole under random new names, and read only where they are regular and of a sane size."""

import errno
import os
import re
import socket
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

import pytest

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.format import DamagedFileError
from mardm_batch.dataset.formats.json_file import read_json
from mardm_batch.dataset.formats.npy_file import check_npy
from mardm_batch.dataset.formats.png_file import check_png
from mardm_batch.dataset.layout import FAILURES, RECORDS
from mardm_batch.dataset.progress import read_progress
from mardm_batch.dataset.records import Failure
from mardm_batch.errors import InputError
from mardm_batch.prompts.readers import read_entries
from mardm_batch.system import files
from mardm_batch.system.error_log import read_error_log
from mardm_batch.system.files import (
    UnusableFileError,
    open_for_appending,
    partial_files,
    read_regular,
    replacing,
    writable_file,
    write_atomically,
    write_new,
)


def huge(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, 2**40)


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        before = os.getcwd()
        os.chdir(path.parent)  # the path of a socket may not be long
        server.bind(path.name)
        os.chdir(before)


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a FIFO": (os.mkfifo, "is a FIFO, not a regular file"),
    "a folder": (Path.mkdir, "is a folder, not a regular file"),
    "a socket": (listen, "is a socket, not a regular file"),
    "endless": (lambda path: path.symlink_to("/dev/zero"), "is a device, not a regular file"),
    "huge": (huge, "is larger than 64 MiB"),
}
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "JSON": ("waving.json", read_json),
    "NPY": ("waving.npy", lambda path: check_npy(path, None)),
    "PNG": ("waving.png", lambda path: check_png(path, None)),
    "prompts": ("captions.txt", read_entries),
    "errors": ("errors.jsonl", lambda path: read_error_log(path.parent)),
    "progress": (f"{RECORDS}/progress/all.json", lambda path: read_progress(path.parents[2])),
    "failures": (FAILURES, lambda path: FailureList(path.parent).read()),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_regular_file_of_a_sane_size_is_not_read(tmp_path: Path, kind: str) -> None:
    make, words = UNUSABLE[kind]
    make(tmp_path / "file")
    with pytest.raises(UnusableFileError) as caught:
        read_regular(tmp_path / "file")
    assert caught.value.strerror == words


@pytest.mark.parametrize("kind", UNUSABLE)
@pytest.mark.parametrize("reader", READERS)
def test_no_reader_waits_or_fills_the_memory(tmp_path: Path, kind: str, reader: str) -> None:
    name, read = READERS[reader]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    UNUSABLE[kind][0](path)
    try:
        read(path)
    except (DamagedFileError, InputError, OSError):
        return
    assert reader in ("progress", "errors")  # of which one bad file never hides the others


def test_a_link_to_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link") == b"content"


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(UnusableFileError, match="larger"):
        read_regular(tmp_path / "file", max_bytes=6)


@pytest.mark.parametrize("kind", ["a FIFO", "a folder", "endless"])
def test_nothing_but_a_regular_file_is_appended_to(tmp_path: Path, kind: str) -> None:
    UNUSABLE[kind][0](tmp_path / "list")
    with pytest.raises(OSError, match="."):
        open_for_appending(tmp_path / "list")


def test_a_failure_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / RECORDS).mkdir()
    (tmp_path / FAILURES).symlink_to("theirs")
    with pytest.raises(OSError, match="."):
        FailureList(tmp_path).append([Failure("A person waving", "waving", "sample", "no")])
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_a_file_is_replaced_whole_and_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "list").symlink_to("theirs")
    write_atomically(tmp_path / "list", b"ours")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    assert (tmp_path / "list").read_bytes() == b"ours"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list", "theirs"]


@pytest.mark.parametrize("kind", ["a FIFO", "a folder", "a socket", "endless"])
def test_what_is_no_regular_file_is_not_replaced_where_the_user_names_it(tmp_path: Path, kind: str) -> None:
    make, words = UNUSABLE[kind]
    make(tmp_path / "list")
    with pytest.raises(ArgumentTypeError, match=rf"^{tmp_path}/list: {words.replace('regular ', '')}$"):
        writable_file(f"{tmp_path}/list")
    assert [path.name for path in tmp_path.iterdir()] == ["list"]


def test_the_standard_output_is_no_file_to_replace(tmp_path: Path) -> None:
    with (tmp_path / "printed").open("w") as file:
        (tmp_path / "stdout").symlink_to(f"/proc/self/fd/{file.fileno()}")
        with pytest.raises(ArgumentTypeError, match="stdout: is a link to an open file, not a file"):
            writable_file(f"{tmp_path}/stdout")


def test_a_new_file_an_earlier_one_and_links_to_files_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"earlier")
    (tmp_path / "link").symlink_to("list")
    (tmp_path / "dangling").symlink_to("nothing")
    names = ["dangling", "link", "list", "new"]
    assert [writable_file(f"{tmp_path}/{name}").name for name in names] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == names[:3]
    assert (tmp_path / "list").read_bytes() == b"earlier"


def test_why_no_file_can_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(files, "write_new", refuse)
    with pytest.raises(ArgumentTypeError, match=rf"^{tmp_path}/list cannot be written to: Read-only file system$"):
        writable_file(f"{tmp_path}/list")


def test_temporary_names_are_random_and_found_again(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        with replacing(tmp_path / "list") as temporary:
            seen.append(temporary.name)
            assert [(name, path) for name, path in partial_files(tmp_path)] == [("list", temporary)]
    assert len(set(seen)) == 2
    assert all(re.fullmatch(r"\.list\.[0-9a-f]{32}\.partial", name) for name in seen)


def test_a_link_under_a_temporary_name_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "guessed").symlink_to("theirs")
    monkeypatch.setattr(files, "random_sibling", lambda path: tmp_path / "guessed")
    with pytest.raises(FileExistsError):
        write_atomically(tmp_path / "list", b"ours")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "theirs", b"ours")
