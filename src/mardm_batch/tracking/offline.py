"""Runs that were tracked offline: one line says how to see and upload them.

A run of a sweep leaves in its own folder where it was tracked, and the launcher of the sweep says it once for all.
"""

import logging
import os
import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from mardm_batch.system.files import read_regular
from mardm_batch.system.terminal import printable

log = logging.getLogger(__name__)

PLACE_FILE: Final = "tracked_offline"
"""In the folder of a run: the path of what was tracked."""
MAX_PATHS: Final = 8
"""Written one by one."""


def leave_place(run_folder: Path, place: Path) -> None:
    """Leave for the launcher of a sweep where a run of it was tracked."""
    with suppress(OSError):
        (run_folder / PLACE_FILE).write_bytes(os.fsencode(place))


def log_offline_runs(run_folders: Iterable[Path]) -> None:
    """A line for the runs that left where they were tracked; for each folder that holds some, as a rule one."""
    places: defaultdict[Path, list[str]] = defaultdict(list)
    for run_folder in run_folders:
        with suppress(OSError, ValueError):
            place = Path(os.fsdecode(read_regular(run_folder / PLACE_FILE)))
            (run_folder / PLACE_FILE).unlink()  # another sweep may have the same folders
            places[place.parent].append(place.name)
    for folder, names in places.items():
        if len(names) == 1:
            log_place(folder / names[0])
        else:
            words = "%d runs tracked offline: `wandb leet %s` shows the curves, `wandb sync %s` uploads them"
            log.info(words, len(names), shell_path(folder), shell_paths(folder, names))


def log_place(place: Path) -> None:
    """A line for a run that was tracked in a folder."""
    path = shell_path(place)
    log.info("tracked offline: `wandb leet %s` shows the curves, `wandb sync %s` uploads them", path, path)


def shell_paths(folder: Path, names: Sequence[str]) -> str:
    """Some of the folders in one as a command takes them: by what their names begin with, where no other does."""
    beginning = os.path.commonprefix(list(names))
    with suppress(OSError):
        if len(names) <= MAX_PATHS and {each.name for each in folder.glob(f"{beginning}*")} - set(names):
            return " ".join(shell_path(folder / name) for name in names)
    return f"{shell_path(folder / beginning)}*"


def shell_path(path: Path) -> str:
    """A path as a command takes it, as short as it can be."""
    with suppress(OSError, ValueError):  # the working folder is gone, or the path is elsewhere
        path = path.relative_to(Path.cwd())
    return shlex.quote(printable(str(path)))
