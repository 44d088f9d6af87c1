"""A contact sheet shows the pictures of a folder in the order of their names."""

from pathlib import Path

import pytest
from PIL import Image

from mardm_batch.contact_sheet import main


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


@pytest.mark.parametrize(
    ("sheet", "size", "words"),
    [
        ("none/sheet.png", "8", "cannot be written to"),
        ("sheet.png", "30000", "too many"),
        ("sheet.odd", "8", "unknown file extension"),
    ],
)
def test_sheets_that_cannot_be_written_are_refused(tmp_path: Path, capsys, sheet: str, size: str, words: str) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), str(tmp_path / sheet), "--size", size])
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("content", "words"), [(None, "no pictures"), (b"no picture", "broken.png")])
def test_bad_folders_end_with_one_line(tmp_path: Path, capsys, content: bytes | None, words: str) -> None:
    if content:
        (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path), str(tmp_path / "sheet.png")])
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
