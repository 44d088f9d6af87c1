"""Audit an output folder: what is there against what was asked for, file by file. Writes nothing, unless to repair.

python -m mardm_batch.verify OUTPUT_DIR [--prompts FILE] [--repair] [--no-pictures] [--json]
"""

import argparse
import hashlib
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from PIL.PngImagePlugin import PngImageFile
from rich.console import Console
from rich.progress import track
from yaml import YAMLError

from mardm_batch.console import CONSOLE
from mardm_batch.errors import InputError
from mardm_batch.locks import shard_lock
from mardm_batch.manifest import FailureList, rebuild_metadata
from mardm_batch.pose import Joints
from mardm_batch.progress import Progress, read_progress
from mardm_batch.prompts import HASH_DIGITS, Prompt, bundled_prompts, file_name, read_prompts
from mardm_batch.skeleton import JOINT_NAMES, NUM_JOINTS
from mardm_batch.store import RECORDS, PoseStore

ALL_AS_ASKED, SOMETHING_OFF, BAD_ARGUMENTS, INTERRUPTED = 0, 1, 2, 130
EXAMPLES_SHOWN: Final = 10
PICTURE_SIZE: Final = (1200, 1200)  # pixels

LISTS: Final = ("metadata.jsonl", "failures.jsonl")
FIRST_KEYS: Final = ["caption", "frame_index", "num_joints", "joints", "joint_names"]
SETTINGS: Final = ("model", "weights_sha256", "seed", "frame_index", "sampling")
"""The keys of a pose's JSON that should be the same in a whole data set."""

LOGGED_ERROR = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (ERROR|CRITICAL) ")
TRACEBACK = "Traceback (most recent call last)"

USAGE = """\
Without --prompts, the prompt file and the limit of the newest run on this folder hold.

  python -m mardm_batch.verify SinglePose                            is everything there, and whole?
  python -m mardm_batch.verify SinglePose --prompts captions.md      ... of these captions
  python -m mardm_batch.verify SinglePose --repair                   set aside what is broken, then run
                                                                     python -m mardm_batch again
  python -m mardm_batch.verify SinglePose --json | jq .problems      for scripts: all findings, not ten a kind

Exit codes: 0 all as asked, 1 something is off (notes do not count), 2 bad arguments, or a run is at work on the
folder that is to be repaired.
"""


class Kind(Enum):
    """What can be found, in the order of the report."""

    MISSING_POSE = "missing pose"
    FAILED = "failed and not made since"
    MISSING_FILE = "missing file of a pose"
    UNREADABLE_JSON = "unreadable JSON"
    WRONG_JSON = "wrong JSON"
    UNREADABLE_NPY = "unreadable NPY"
    WRONG_NPY = "wrong NPY"
    DIFFERENT_JOINTS = "JSON and NPY differ"
    UNREADABLE_PNG = "unreadable PNG"
    WRONG_PNG_SIZE = "wrong PNG size"
    WRONG_CAPTION = "caption is not the name's"
    ORPHAN = "file without a pose"
    TEMPORARY = "stray temporary file"
    UNKNOWN_FILE = "unknown file"
    METADATA = "metadata.jsonl is not what is finished"
    EXTRA = "pose that was not asked for"
    OTHER_FAILURE = "failure of a caption that was not asked for"
    MIXED_SETTINGS = "mixed settings"
    FOLDER = "folder, not looked into"
    LOG = "errors in the logs"
    AT_WORK = "a run is at work"


NOTES: Final = frozenset(list(Kind)[list(Kind).index(Kind.EXTRA) :])
"""What is said but is no fault."""


@dataclass(frozen=True)
class Finding:
    """`where`: the file or pose, relative to the output folder; `aside`: the files that a repair moves."""

    kind: Kind
    where: str
    detail: str
    aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What was asked for. `prompts` is None where that is not known, and `source` says why; else it says who asked."""

    prompts: tuple[Prompt, ...] | None
    source: str
    file: Path | None
    pictures: bool


@dataclass(frozen=True)
class Document:
    """What the audit needs of a pose's JSON. `settings`: those of `SETTINGS`, as one text."""

    caption: str
    joints: Joints
    settings: str


@dataclass(frozen=True)
class Inspection:
    """One pose. `document` is None where the JSON is not as it should be."""

    name: str
    files: tuple[str, ...]
    document: Document | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Repair:
    folder: str | None
    """Where the files went; None where none was moved."""
    moved: int
    to_make: int
    """Poses that the next run makes."""


@dataclass(frozen=True)
class Report:
    """`counts` of poses; `disk`: files and bytes of each type."""

    output: Path
    source: str
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    disk: Mapping[str, tuple[int, int]]
    repair: Repair | None = None
    exit_code: int = field(init=False)

    def __post_init__(self) -> None:
        off = any(each.kind not in NOTES for each in self.findings)
        object.__setattr__(self, "exit_code", SOMETHING_OFF if off else ALL_AS_ASKED)

    def of_kind(self, kind: Kind) -> list[Finding]:
        return [each for each in self.findings if each.kind is kind]


def verify(output: Path, prompt_file: Path | None = None, repair: bool = False, decode: bool = True) -> Report:
    """Audit an output folder. `decode`: also decode the pictures.

    Raises:
        InputError: there is no such folder, the prompt file cannot be read, or a run is at work on what is to be
            repaired.
    """
    files, folders = files_of(output)
    if prompt_file is None and RECORDS not in folders and not any(name.endswith(".json") for name in files):
        raise InputError(f"{output}: no poses and no record of a run; name the folder that paths.output named")
    shards = read_progress(output)
    asked = what_was_asked(output, prompt_file, shards, pictures=any(name.endswith(".png") for name in files))
    store = PoseStore(output, asked.pictures)
    if not repair:
        return audit(store, asked, shards, decode)
    for shard in shards:
        if shard.alive:
            raise InputError(
                f"{output}: {shard.shard} is at work (process {shard.pid} on {shard.host}): wait for it or stop it, "
                f"then repair"
            )
    store.prepare()
    with shard_lock(output, shard=None, num_shards=1):  # no run starts meanwhile
        report = audit(store, asked, shards, decode)
        return replace(report, repair=set_aside(report, store, asked)) if report.exit_code else report


# What was asked for ---------------------------------------------------------------------------------------------------


def what_was_asked(output: Path, file: Path | None, shards: Sequence[Progress], pictures: bool) -> Asked:
    """The prompts of the file, else of the newest run. `pictures`: whether they are expected where no run tells."""
    newest = max(shards, key=lambda shard: shard.started, default=None)
    advice = "only what is there is checked (--prompts FILE names the captions)"
    limit, source = None, "no run is on record here"
    if newest is not None:
        records = Path(newest.run_folder) / ".hydra"
        try:
            settings, hydra = (OmegaConf.load(records / name) for name in ("config.yaml", "hydra.yaml"))
            pictures = bool(OmegaConf.select(settings, "render.enabled", throw_on_missing=True))
            limit, listed = (OmegaConf.select(settings, key) for key in ("limit", "paths.prompts"))
            started_in = Path(OmegaConf.select(hydra, "hydra.runtime.cwd", throw_on_missing=True))
        except (OSError, ValueError, TypeError, YAMLError, OmegaConfBaseException):
            source = f"the settings of the newest run are not in {records}"
        else:
            newest_file = bundled_prompts() if listed is None else started_in / Path(listed).expanduser()
            try:
                prompts = read_prompts(newest_file).prompts[:limit] if file is None else ()
                source = f"{newest_file}, of the newest run" + (f", limit={limit}" if limit else "")
                asked = Asked(prompts, source, newest_file, pictures)
            except InputError as error:
                source = str(error)
            else:
                if file is None:
                    return asked
    if file is not None:
        return Asked(read_prompts(file).prompts, str(file), file, pictures)
    return Asked(None, f"{source}; {advice}", None, pictures)
