"""PNG: the picture of a pose."""

import io
from pathlib import Path
from typing import Final

from PIL.PngImagePlugin import PngImageFile

from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format, PoseContent
from mardm_batch.dataset.records import PoseDocument


def encode_png(content: PoseContent) -> bytes:
    if content.picture is None:
        raise ValueError("the pose was not drawn")
    return content.picture


def check_png(path: Path, document: PoseDocument | None) -> None:
    """Decode the picture, its checksums included."""
    expected = (PICTURE_SIZE, PICTURE_SIZE)
    try:
        content = path.read_bytes()
        with PngImageFile(io.BytesIO(content)) as picture:
            size = picture.size
            picture.verify()  # the checksums, to the end of the file
        if size == expected:  # no decompression bomb then
            with PngImageFile(io.BytesIO(content)) as picture:
                picture.load()
    except Exception as error:  # damaged bytes raise exceptions of many types
        raise DamagedFileError(Damage.UNREADABLE, str(error) or type(error).__name__) from None
    if size != expected:
        raise DamagedFileError(Damage.WRONG, f"the picture should be {expected} pixels, not {size}")


PNG: Final = Format(".png", encode_png, check_png, setting="render.enabled")
