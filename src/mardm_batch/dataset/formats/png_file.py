"""PNG: the picture of a pose, with text chunks that say which pose it is of."""

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format, PoseContent
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.errors import reason_of
from mardm_batch.system.files import read_regular

if TYPE_CHECKING:
    from PIL import Image

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
END: Final = b"\0\0\0\0IEND\xaeB`\x82"
"""The chunk with which a PNG ends."""
HEADER_BYTES: Final = 33
"""Signature and the chunk IHDR; other chunks come behind."""
MAX_TEXT_BYTES: Final = 65536
MAX_PIXELS: Final = 50_000_000
"""Of a picture that is decoded."""


def encode_png(content: PoseContent) -> bytes:
    if content.picture is None:
        raise ValueError("the pose was not drawn")
    return with_texts(content.picture, content.document)


def with_texts(picture: bytes, document: PoseDocument, view: int | None = None) -> bytes:
    """A PNG with the texts that say of which pose it is, and of a further picture from how many degrees."""
    texts = b"".join(text_chunk(*item) for item in picture_texts(document, view).items())
    return picture[:HEADER_BYTES] + texts + picture[HEADER_BYTES:]


def picture_texts(document: PoseDocument, view: int | None = None) -> dict[str, str]:
    """The texts of a pose's picture by their keywords."""
    caption = hashlib.sha256(document.caption.encode()).hexdigest()
    texts = {"name": str(document.name), "caption_sha256": caption, "seed": str(document.seed)}
    return texts if view is None else {**texts, "view": str(view)}


def text_chunk(keyword: str, text: str) -> bytes:
    """A tEXt chunk; iTXt for text that Latin-1 cannot express, as the PNG specification has it."""
    try:
        kind, data = b"tEXt", keyword.encode() + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        kind, data = b"iTXt", keyword.encode() + b"\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_texts(content: bytes) -> dict[str, str]:
    """The texts of the tEXt and uncompressed iTXt chunks of an undamaged PNG."""
    texts, start = {}, len(SIGNATURE)
    while start + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, start)
        keyword, _, text = content[start + 8 : start + 8 + min(length, MAX_TEXT_BYTES)].partition(b"\0")
        if kind == b"tEXt":
            texts[keyword.decode("latin-1")] = text.decode("latin-1")
        elif kind == b"iTXt" and text[:1] == b"\0":
            texts[keyword.decode("latin-1")] = text[2:].split(b"\0", 2)[-1].decode(errors="replace")
        start += 12 + length
    return texts


def load_picture(path: Path, size: int) -> "Image.Image":
    """A square RGB copy of a picture of any size.

    Pillow finds a file's kind by its content, and has programs run for some; here it is a PNG, whatever it holds.

    Raises:
        FileNotFoundError: it does not exist.
        DamagedFileError: it cannot be read as a PNG.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngImageFile

    try:
        with PngImageFile(io.BytesIO(read_regular(path))) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ValueError(f"{picture.width} x {picture.height} pixels are too many")
            return picture.convert("RGB").resize((size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged bytes raise exceptions of many types
        raise DamagedFileError(Damage.UNREADABLE, reason_of(error)) from None


def check_png(path: Path, document: PoseDocument | None, view: int | None = None) -> None:
    """Decode the picture, its checksums included, to its very end; it must be that of the document's pose and view."""
    from PIL.PngImagePlugin import PngImageFile

    expected = (PICTURE_SIZE, PICTURE_SIZE)
    try:
        content = read_regular(path)
        with PngImageFile(io.BytesIO(content)) as picture:
            size = picture.size
            picture.verify()  # the checksums
        if size == expected:  # no decompression bomb then
            with PngImageFile(io.BytesIO(content)) as picture:
                picture.load()
    except Exception as error:  # damaged bytes raise exceptions of many types
        raise DamagedFileError(Damage.UNREADABLE, reason_of(error)) from None
    if not content.endswith(END):  # decoders forgive it
        raise DamagedFileError(Damage.UNREADABLE, "the file does not end with the end of the picture")
    if size != expected:
        raise DamagedFileError(Damage.WRONG, f"the picture should be {expected} pixels, not {size}")
    if document is not None:
        check_texts(read_texts(content), picture_texts(document, view))


def check_texts(found: dict[str, str], expected: dict[str, str]) -> None:
    """Raises DamagedFileError where a picture is of another pose, or does not say of which it is."""
    for keyword, value in expected.items():
        if keyword not in found:
            raise DamagedFileError(Damage.WRONG, f"the picture does not say its {keyword}: it may be of another pose")
        if found[keyword] != value:
            detail = f"the {keyword} in the picture is {found[keyword]}, and should be {value}"
            raise DamagedFileError(Damage.MISMATCH, detail)


PNG: Final = Format(".png", encode_png, check_png, setting="render.enabled", is_picture=True)
