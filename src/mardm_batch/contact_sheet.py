"""Write a contact sheet: the pictures of a run in one picture, in the order of their names.

python -m mardm_batch.contact_sheet OUTPUT_DIR SHEET.png [--columns 6] [--size 300] [--limit 120] [--without-rejected]
"""

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from mardm_batch.dataset.formats.format import DamagedFileError
from mardm_batch.dataset.formats.png_file import PNG, load_picture
from mardm_batch.dataset.layouts.registry import layout_of
from mardm_batch.dataset.reviews import ReviewList
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import replacing, writable_file
from mardm_batch.system.folders import check_folder
from mardm_batch.system.terminal import counted, print_output, printable

MAX_PIXELS = 400_000_000
"""Largest sheet; it takes more than a gigabyte of memory."""

USAGE = """\
  python -m mardm_batch.contact_sheet SinglePose sheet.png

Exit codes: 0; 2 for a folder without pictures, an unreadable picture, or a sheet that cannot be written.
"""


def write_contact_sheet(pictures: Sequence[Path], sheet: Path, columns: int, size: int) -> None:
    """Write the pictures, at least one, `size` x `size` pixels each, to `sheet` in rows of `columns`.

    The background is the colour of the first picture's corner.

    Raises:
        InputError: a picture cannot be read, or the sheet is too large or of an unknown format.
        OSError: the sheet cannot be written; nothing half written is left.
    """
    format, columns = picture_format(sheet), min(columns, len(pictures))
    width, height = columns * size, math.ceil(len(pictures) / columns) * size
    if width * height > MAX_PIXELS:
        raise InputError(f"contact sheet: {width} x {height} pixels are too many; use a smaller --size or --limit")
    canvas: Image.Image | None = None
    for index, path in enumerate(pictures):
        try:
            small = load_picture(path, size)
        except (OSError, DamagedFileError) as error:
            raise InputError(
                f"{path}: not a readable picture ({error}); delete it and run the generator again"
            ) from error
        canvas = canvas or Image.new("RGB", (width, height), small.getpixel((0, 0)))
        row, column = divmod(index, columns)
        canvas.paste(small, (column * size, row * size))
    assert canvas is not None
    with replacing(sheet) as partial:
        canvas.save(partial, format)


def picture_format(sheet: Path) -> str:
    """The format by the suffix, as Pillow names it. Raises InputError where Pillow cannot write one."""
    Image.init()
    format = Image.EXTENSION.get(sheet.suffix.lower(), "")
    if format not in Image.SAVE:
        raise InputError(f"{sheet}: unknown picture format {sheet.suffix!r}; use .png or .jpg")
    return format


def positive(text: str) -> int:
    """An argparse type: a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not allowed; use 1 or more")
    return number


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("contact_sheet", __doc__, USAGE)
    parser.add_argument("output_dir", type=Path, help="folder with the pictures of a run")
    parser.add_argument("sheet", type=writable_file, help="picture to write, for example sheet.png or sheet.jpg")
    parser.add_argument("--columns", type=positive, default=6, metavar="N", help="pictures in a row (default: 6)")
    parser.add_argument("--size", type=positive, default=300, metavar="N", help="pixels per picture (default: 300)")
    parser.add_argument("--limit", type=positive, default=120, metavar="N", help="at most N pictures (default: 120)")
    parser.add_argument(
        "--without-rejected", action="store_true", help="leave out poses that a review of the gallery rejected"
    )
    return parser


def rejected_poses(output: Path) -> set[str]:
    """The names of the poses that a review rejected. Raises OSError where reviews or a pose cannot be read."""
    reviews, store = ReviewList(output).read(), PoseStore(output, ())
    documents = {name: store.read(name) for name in reviews.rejections()}
    return {name for name, document in documents.items() if document and reviews.is_rejected(name, document)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sheet. Bad input ends the process with one line and exit code 2."""
    options = build_parser().parse_args(arguments)
    with report_user_errors():
        check_folder(options.output_dir, "name the folder that a run wrote its pictures to")
        layout = layout_of(options.output_dir)
        names = sorted(each.name for each in layout.files() if each.suffix == PNG.suffix and each.name[0] != ".")
        sheet = os.path.realpath(options.sheet)
        names = [name for name in names if os.path.realpath(layout.path(name, PNG.suffix)) != sheet]
        if options.without_rejected:
            names = sorted(set(names) - rejected_poses(options.output_dir))
        if not names:
            raise InputError(f"{options.output_dir}: no pictures in this folder; name the one that a run wrote them to")
        shown = names[: options.limit]
        with layout.at_hand(shown) as near:
            pictures = [near.path(name, PNG.suffix) for name in shown]
            write_contact_sheet(pictures, options.sheet, options.columns, options.size)
    print_output(printable(f"{options.sheet}: {len(shown)} of {counted(len(names), 'picture')}"))
    return 0


if __name__ == "__main__":
    run_main(main)
