"""The layouts by name, and which one an output folder has."""

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.layout import LAYOUT_RECORD, repair_command
from mardm_batch.dataset.layouts.block import TAR, require_pyarrow
from mardm_batch.dataset.layouts.flat import FlatLayout
from mardm_batch.dataset.layouts.layout import Layout, PoseFile
from mardm_batch.dataset.layouts.nested import FOLDERS, NestedLayout
from mardm_batch.dataset.layouts.shards import BLOCK_NAME, ShardsLayout
from mardm_batch.errors import InputError
from mardm_batch.system.files import read_regular, write_atomically
from mardm_batch.system.json_records import parse_json

MOVING_TO: Final = "moving_to"
LAYOUTS: Final[dict[str, type[Layout]]] = {each.NAME: each for each in (FlatLayout, NestedLayout, ShardsLayout)}


def layout_of(output: Path, wanted: str | None = None) -> Layout:
    """The layout of an output folder: that of its record, unless its poses lie otherwise, else the wanted one, else
    flat."""
    recorded = recorded_layout(output)
    if recorded in (None, FlatLayout.NAME) and read_moving(output) is None:
        recorded = found_layout(output) or recorded
    return LAYOUTS[recorded or wanted or FlatLayout.NAME](output)


def found_layout(output: Path) -> str | None:
    """The layout that the poses of an output folder have by where they lie: flat where one lies so; None: no poses."""
    nested, folders, has_blocks = NestedLayout(output), list[str](), False

    def is_pose(layout: Layout, name: str) -> bool:
        return os.path.isfile(layout.text_path(name, NPY.suffix))

    with suppress(OSError):
        with os.scandir(output) as entries:
            for entry in entries:
                name, dot, suffix = entry.name.partition(".")
                if dot + suffix == JSON.suffix and is_pose(FlatLayout(output), name):
                    return FlatLayout.NAME
                has_blocks = has_blocks or (dot + suffix == TAR and BLOCK_NAME.fullmatch(name) is not None)
                if len(name) == len(FOLDERS[0]) and name in FOLDERS and entry.is_dir():
                    folders.append(name)
        for folder in folders:
            if any(suffix == JSON.suffix and is_pose(nested, name) for name, suffix, _ in nested.files_in(folder)):
                return NestedLayout.NAME
    return ShardsLayout.NAME if has_blocks else None


def layout_problem(output: Path, wanted: str = FlatLayout.NAME) -> str | None:
    """What is wrong with an output folder's record of its layout; None: nothing.

    Args:
        wanted: what a missing record stands for.
    """
    recorded = recorded_layout(output)
    if recorded is None and os.path.lexists(output / LAYOUT_RECORD):
        return "names no layout"
    if recorded not in (None, FlatLayout.NAME) or read_moving(output) is not None:
        return None
    found = found_layout(output)
    if found in (None, FlatLayout.NAME, recorded or wanted):
        return None
    return f"{'is missing' if recorded is None else f'says {recorded}'}, but the poses have the layout {found}"


def recorded_layout(output: Path) -> str | None:
    """The name of the layout that an output folder's record says; None where it says none."""
    return read_record(output, "layout")


def read_moving(output: Path) -> str | None:
    """The name of the layout to which the poses of an output folder are being moved, or were when that was stopped."""
    return read_record(output, MOVING_TO)


def read_record(output: Path, key: str) -> str | None:
    """A layout that the record of an output folder names under a key."""
    try:
        record = parse_json(read_regular(output / LAYOUT_RECORD))
    except (OSError, ValueError):
        return None
    name = record.get(key) if isinstance(record, dict) else None
    return name if isinstance(name, str) and name in LAYOUTS else None


def check_layout(output: Path, wanted: str) -> None:
    """Raises InputError where the poses of an output folder lie otherwise than wanted, or than its record says."""
    if wanted == ShardsLayout.NAME:
        require_pyarrow("output.layout=shards")
    if (problem := layout_problem(output, wanted)) is not None:
        raise InputError(f"paths.output={output}: {LAYOUT_RECORD} {problem}; {repair_command(output)} restores it")
    found, moving = recorded_layout(output), read_moving(output)
    if moving is not None:
        raise InputError(
            f"{output}: its poses were being moved to the layout {moving}, which was interrupted; finish that first: "
            f"python -m mardm_batch.relayout {shlex.quote(str(output))} --to {moving}"
        )
    if found is None and wanted != FlatLayout.NAME and output.is_dir() and any(True for _ in flat_poses(output)):
        found = FlatLayout.NAME
    if found is not None and found != wanted:
        raise InputError(
            f"output.layout={wanted}: the poses in {output} have the layout {found}; use output.layout={found}, or "
            f"move them: python -m mardm_batch.relayout {shlex.quote(str(output))} --to {wanted}"
        )


def flat_poses(output: Path) -> Iterator[PoseFile]:
    """The JSON files of poses that lie side by side in an output folder. Raises InputError where it cannot be read."""
    try:
        yield from (each for each in FlatLayout(output).files() if each.suffix == JSON.suffix)
    except OSError as error:
        raise InputError(f"paths.output={output}: cannot be read: {error.strerror}") from None


def record_layout(output: Path, name: str, moving_to: str | None = None) -> None:
    """Write down which layout an output folder has.

    Args:
        moving_to: the layout to which its poses are being moved.

    Raises:
        OSError: it cannot be written.
    """
    record = {"layout": name} if moving_to is None else {"layout": name, MOVING_TO: moving_to}
    write_atomically(output / LAYOUT_RECORD, json.dumps(record).encode())
