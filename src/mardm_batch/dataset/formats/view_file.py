"""Further pictures of a pose, from other sides: NAME@045.png is that from 45 degrees; see `render.views`."""

import re
from functools import cache, partial
from typing import Final

from mardm_batch.dataset.formats.format import Format, PoseContent
from mardm_batch.dataset.formats.png_file import check_png, with_texts

VIEW_SUFFIX: Final = re.compile(r"@(\d{3})\.png")


@cache
def view_format(degrees: int) -> Format:
    """The format of the pictures from so many degrees, 0 to 359."""
    return Format(
        f"@{degrees:03d}.png", partial(encode_view, degrees), partial(check_png, view=degrees), is_picture=True
    )


def view_degrees(suffix: str) -> int | None:
    """The degrees of a suffix such as `@045.png`; None for another one."""
    match = VIEW_SUFFIX.fullmatch(suffix)
    return int(match[1]) if match is not None and int(match[1]) < 360 else None


def encode_view(degrees: int, content: PoseContent) -> bytes:
    if degrees not in content.views:
        raise ValueError(f"the pose was not drawn from {degrees} degrees")
    return with_texts(content.views[degrees], content.document, degrees)
