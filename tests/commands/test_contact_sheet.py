"""A contact sheet shows the pictures of a folder in the order of their names."""

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from mardm_batch.contact_sheet import main
from mardm_batch.dataset.formats.format import DamagedFileError
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import load_picture
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.reviews import Review, ReviewList, pose_digest
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt


def colours(sheet: Path, size: int) -> list[tuple[int, ...]]:
    with Image.open(sheet) as image:
        middles = [(x, y) for y in range(size // 2, image.height, size) for x in range(size // 2, image.width, size)]
        return [image.getpixel(middle) for middle in middles]


def test_pictures_are_in_rows_in_the_order_of_their_names(tmp_path: Path, capsys) -> None:
    for name, colour in (("b", "blue"), ("a", "red"), ("c", "lime")):
        Image.new("RGB", (1200, 1200), colour).convert("P").save(tmp_path / f"{name}.png")
    sheet = tmp_path / "sheet.png"
    for _ in range(2):  # the second time the sheet is in the folder, and no picture of it
        assert main([str(tmp_path), str(sheet), "--columns", "2", "--size", "40"]) == 0
    assert colours(sheet, 40) == [(255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 0, 0)]
    assert "3 of 3 pictures" in capsys.readouterr().out


def test_the_limit_selects_the_first(tmp_path: Path) -> None:
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (8, 8), colour).save(tmp_path / f"{name}.png")
    assert main([str(tmp_path), str(tmp_path / "sheet.png"), "--limit", "1", "--size", "8"]) == 0
    assert colours(tmp_path / "sheet.png", 8) == [(255, 0, 0)]


def test_rejected_poses_and_further_views_can_be_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "poses"
    store, documents = PoseStore(folder, (NPY,)), {}
    store.prepare()
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "lime")):
        pose = Pose(Prompt(name, f"A person {name}"), np.zeros((22, 3), np.float32), 0, 0)
        store.write(pose, None, Provenance("tiny", 1, 0, {}), tmp_path)
        Image.new("RGB", (8, 8), colour).save(folder / f"{name}.png")
        documents[name] = store.read(name)
    Image.new("RGB", (8, 8), "white").save(folder / "a@045.png")
    ReviewList(folder).append([Review("b", "reject", "", pose_digest(documents["b"])), Review("c", "unsure")])
    for words, expected in ([], ["red", "blue", "lime"]), (["--without-rejected"], ["red", "lime"]):
        sheet = tmp_path / "sheet.png"
        assert main([str(folder), str(sheet), "--columns", "1", "--size", "8", *words]) == 0
        assert colours(sheet, 8) == [ImageColor.getrgb(colour) for colour in expected]


@pytest.mark.parametrize(
    ("sheet", "size", "words"),
    [
        ("none/sheet.png", "8", "cannot be written to"),
        ("sheet.png", "30000", "too many"),
        ("sheet.odd", "8", "unknown picture format '.odd'; use .png or .jpg"),
        ("sheet.psd", "8", "unknown picture format '.psd'; use .png or .jpg"),
    ],
)
def test_sheets_that_cannot_be_written_are_refused(tmp_path: Path, capsys, sheet: str, size: str, words: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), str(tmp_path / sheet), "--size", size])
    assert words in capsys.readouterr().err


def test_a_full_disk_leaves_the_earlier_sheet_and_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    sheet = tmp_path / "sheet.png"
    sheet.write_bytes(b"earlier")

    def fill(picture: Image.Image, path: Path, format: str) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fill)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), str(sheet)])
    assert capsys.readouterr().err == f"error: {sheet}: No space left on device\n"
    assert sheet.read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "sheet.png"]


@pytest.mark.parametrize(("content", "words"), [(None, "no pictures"), (b"no picture", "broken.png")])
def test_bad_folders_end_with_one_line(tmp_path: Path, capsys, content: bytes | None, words: str) -> None:
    if content:
        (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), str(tmp_path / "sheet.png")])
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def postscript(marker: Path) -> bytes:
    """A picture as Ghostscript would make it, which writes a file where it runs."""
    program = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n({marker}) (w) file closefile\n%%EOF\n"
    return program.encode()


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands for Ghostscript; the file that it writes when it runs."""
    programs, ran = tmp_path / "bin", tmp_path / "ran"
    programs.mkdir()
    for name in ("gs", "gswin32c", "gswin64c"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    return ran


@pytest.mark.parametrize("kind", ["EPS", "TIFF", "JPEG", "BMP", "GIF", "WEBP"])
def test_a_picture_that_is_no_png_inside_is_refused_and_runs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ghostscript: Path, kind: str
) -> None:
    folder = tmp_path / "poses"
    folder.mkdir()
    if kind == "EPS":
        (folder / "a.png").write_bytes(postscript(ghostscript))
    else:
        Image.new("RGB", (8, 8)).save(folder / "a.png", kind)
    with pytest.raises(SystemExit, match="2"):
        main([str(folder), str(tmp_path / "sheet.png")])
    assert "a.png: not a readable picture" in capsys.readouterr().err
    assert not ghostscript.exists()


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("1", (8000, 8000)).save(tmp_path / "a.png")
    with pytest.raises(DamagedFileError, match="8000 x 8000 pixels are too many"):
        load_picture(tmp_path / "a.png", 8)
