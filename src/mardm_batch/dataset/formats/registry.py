"""The registry of formats, from which store, metadata, audit and repair learn the files of a pose."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

from mardm_batch.dataset.formats.clip_file import CLIP
from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.formats.view_file import view_degrees, view_format

VIEWS: Final = "render.views"
"""Key of the setting that turns on pictures from other sides."""
Settings = Callable[[str], Any]
"""The value of a setting by its dotted key."""
FORMATS: Final[dict[str, Format]] = {}
"""By suffix, in the order of writing. The JSON is not among them: every pose has it, and it is written last."""


def register(format: Format) -> None:
    """Add a format to the files of a pose. The writer processes must do so too: call this when a module is imported.

    Raises:
        ValueError: the suffix is malformed or taken.
    """
    if not format.suffix.startswith(".") or format.suffix in (*FORMATS, JSON.suffix):
        raise ValueError(f"{format.suffix!r} cannot be the suffix of a new format; use an unused one such as '.csv'")
    FORMATS[format.suffix] = format


def format_of(suffix: str) -> Format:
    """The format of a suffix: a registered one, or that of pictures from some side. Raises KeyError."""
    if suffix in FORMATS:
        return FORMATS[suffix]
    degrees = view_degrees(suffix)
    if degrees is None:
        raise KeyError(suffix)
    return view_format(degrees)


def enabled_formats(settings: Settings) -> tuple[Format, ...]:
    """The formats that are on by these settings.

    Args:
        settings: the value at a dotted key; None where there is no such setting, as in those that older runs saved.
    """
    on = [each for each in FORMATS.values() if each.setting is None or settings(each.setting) is True]
    views = settings(VIEWS) if PNG in on else None
    if isinstance(views, Sequence) and all(isinstance(each, int) and 0 <= each < 360 for each in views):
        on += [view_format(degrees) for degrees in views]
    return tuple(on)


def formats_in_use(suffixes: Collection[str]) -> tuple[Format, ...]:
    """The formats that are always on, and the optional ones among those with these suffixes."""
    on = [each for each in FORMATS.values() if each.setting is None or each.suffix in suffixes]
    return (*on, *map(format_of, sorted(each for each in suffixes if view_degrees(each) is not None)))


def split_file_name(file_name: str) -> tuple[str, Format] | None:
    """Name of the pose and format of a file; None where no format has its suffix."""
    name, dot, rest = file_name.partition(".")
    format = JSON if dot + rest == JSON.suffix else FORMATS.get(dot + rest)
    if format is not None and "@" not in name:
        return name, format
    name, at, rest = file_name.rpartition("@")
    if at and (degrees := view_degrees(at + rest)) is not None:
        return name, view_format(degrees)
    for each in sorted((*FORMATS.values(), JSON), key=lambda each: -len(each.suffix)):
        if file_name.endswith(each.suffix):
            return file_name.removesuffix(each.suffix), each
    return None


register(PNG)
register(NPY)
register(CLIP)
