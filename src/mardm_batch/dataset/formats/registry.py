"""The registry of formats, from which store, metadata, audit and repair learn the files of a pose."""

from operator import attrgetter
from typing import Final

from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG

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


def enabled_formats(settings: object) -> tuple[Format, ...]:
    """The formats that are on by these settings: a `Config`, or the configuration that a run saved.

    Raises:
        AttributeError: the settings lack the key of a format.
    """
    formats = FORMATS.values()
    return tuple(each for each in formats if each.setting is None or attrgetter(each.setting)(settings))


def split_file_name(file_name: str) -> tuple[str, Format] | None:
    """Name of the pose and format of a file; None where no format has its suffix."""
    for each in sorted((*FORMATS.values(), JSON), key=lambda each: -len(each.suffix)):
        if file_name.endswith(each.suffix):
            return file_name.removesuffix(each.suffix), each
    return None


register(PNG)
register(NPY)
