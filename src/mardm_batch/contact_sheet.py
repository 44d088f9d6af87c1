"""One picture of many: the poses of a run side by side, in the order of their names.

python -m mardm_batch.contact_sheet OUTPUT_DIR SHEET.png [--columns 6] [--size 300] [--limit 120]
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from mardm_batch.errors import InputError
from mardm_batch.system.files import writable_file

MOST_PIXELS = 400_000_000
"""Of a sheet: more than a gigabyte of memory."""


def contact_sheet(pictures: Sequence[Path], sheet: Path, columns: int, size: int) -> None:
    """Write the pictures, each `size` pixels wide and high, to `sheet`, `columns` in a row, on the first one's ground.

    Raises InputError, naming the file, for no pictures and for what is not one.
    """
    if not pictures:
        raise InputError("contact sheet: no pictures to show; name the folder that a run wrote its PNG files to")
    columns = min(columns, len(pictures))
    width, height = columns * size, math.ceil(len(pictures) / columns) * size
    if width * height > MOST_PIXELS:
        raise InputError(f"contact sheet: {width} x {height} pixels are too many; use a smaller --size or --limit")
    canvas: Image.Image | None = None
    for place, path in enumerate(pictures):
        try:
            with Image.open(path) as picture:
                small = picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
        except (OSError, UnidentifiedImageError) as error:
            raise InputError(f"{path}: not a readable picture ({error}); remove it and run again") from error
        canvas = canvas or Image.new("RGB", (width, height), small.getpixel((0, 0)))
        row, column = divmod(place, columns)
        canvas.paste(small, (column * size, row * size))
    assert canvas is not None
    canvas.save(sheet)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not allowed; use 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mardm_batch.contact_sheet", description=__doc__.splitlines()[0])
    parser.add_argument("output_dir", type=Path, help="folder with the pictures of a run")
    parser.add_argument("sheet", type=writable_file, help="picture to write, e.g. sheet.png or sheet.jpg")
    parser.add_argument("--columns", type=_positive, default=6)
    parser.add_argument("--size", type=_positive, default=300, help="pixels a picture (default: 300)")
    parser.add_argument("--limit", type=_positive, default=120, help="show only so many (default: 120)")
    options = parser.parse_args(arguments)
    pictures = sorted(path for path in options.output_dir.glob("*.png") if path.resolve() != options.sheet.resolve())
    shown = pictures[: options.limit]
    try:
        contact_sheet(shown, options.sheet, options.columns, options.size)
    except (InputError, OSError, ValueError) as error:  # ValueError: a suffix that Pillow does not know
        parser.exit(2, f"error: {error}\n")
    print(f"{options.sheet}: {len(shown)} of {len(pictures)} pictures")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
