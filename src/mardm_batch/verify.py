"""Audit an output folder: what is there against what was asked for, file by file. Writes nothing, unless to repair.

python -m mardm_batch.verify OUTPUT_DIR [--prompts FILE] [--repair] [--no-pictures] [--json]
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Final

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from mardm_batch.errors import InputError
from mardm_batch.locks import shard_lock
from mardm_batch.progress import Progress, read_progress
from mardm_batch.prompts import Prompt
from mardm_batch.store import RECORDS, PoseStore

ALL_AS_ASKED, SOMETHING_OFF, INTERRUPTED = 0, 1, 130
EXAMPLES_SHOWN: Final = 10
PICTURE_SIZE: Final = (1200, 1200)  # pixels
METADATA, FAILURES, REMOVED = "metadata.jsonl", "failures.jsonl", f"{RECORDS}/removed"
FIRST_KEYS: Final = ["caption", "frame_index", "num_joints", "joints", "joint_names"]
SETTINGS: Final = ("model", "weights_sha256", "seed", "frame_index", "sampling")
"""The keys of a pose's JSON that tell how it was made: the same in a whole data set, as a rule."""
LOGGED_ERROR = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (ERROR|CRITICAL) ")

USAGE = """\
  python -m mardm_batch.verify SinglePose                          all there and whole, of what the newest run asked?
  python -m mardm_batch.verify SinglePose --prompts captions.md    the same for the captions of a file
  python -m mardm_batch.verify SinglePose --repair                 set aside what is broken; the generator's next run
                                                                   makes it again

Exit codes: 0 all as asked, 1 something is off (notes do not count), 2 bad arguments, or a run is at work on what is
to be repaired.
"""


class Kind(Enum):
    """What can be found, in the order of the report: faults, then notes."""

    MISSING_POSE = "missing pose"
    FAILED = "failed, and not made since"
    MISSING_FILE = "missing file of a pose"
    BROKEN_JSON = "JSON that is unreadable or not as it should be"
    BROKEN_NPY = "NPY that is unreadable or not as it should be"
    DIFFERENT_JOINTS = "JSON and NPY that differ"
    BROKEN_PNG = "PNG that does not decode or has another size"
    WRONG_CAPTION = "caption that is not the name's"
    ORPHAN = "PNG or NPY without JSON"
    TEMPORARY = "stray temporary file"
    UNKNOWN = "unknown file"
    METADATA = "metadata.jsonl does not list exactly what is finished"
    NOT_ASKED = "pose that was not asked for"
    MIXED_SETTINGS = "mixed settings"
    FOLDER = "folder that was not looked into"
    LOG = "errors in the log of a run"
    AT_WORK = "run at work: what it is writing may be reported"

    @property
    def is_note(self) -> bool:
        return self in (Kind.NOT_ASKED, Kind.MIXED_SETTINGS, Kind.FOLDER, Kind.LOG, Kind.AT_WORK)


@dataclass(frozen=True)
class Finding:
    """`where`: the file or pose. `files`: what a repair moves, a pose's JSON first. Paths are from the output folder."""

    kind: Kind
    where: str
    detail: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """`prompts` is None where it is not known; `source` says why, or who asked. `pictures`: whether each has one."""

    prompts: tuple[Prompt, ...] | None
    source: str
    file: Path | None
    pictures: bool

    @cached_property
    def names(self) -> dict[str, str]:
        """The name that each caption asks for."""
        return {prompt.caption: prompt.name for prompt in self.prompts or ()}

    @cached_property
    def taken(self) -> frozenset[str]:
        return frozenset(self.names.values())


@dataclass(frozen=True)
class Repair:
    """`folder`: where the files went, if any were moved. `to_make`: poses that the next run makes."""

    folder: str | None
    moved: int
    to_make: int


@dataclass(frozen=True)
class Report:
    """`source`: what says what was asked for. `counts` of poses. `disk`: files and bytes of each type."""

    output: Path
    source: str
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    disk: Mapping[str, tuple[int, int]]
    repair: Repair | None = None

    @property
    def exit_code(self) -> int:
        return ALL_AS_ASKED if all(each.kind.is_note for each in self.findings) else SOMETHING_OFF


def verify(output: Path, prompt_file: Path | None = None, repair: bool = False, decode: bool = True) -> Report:
    """Audit an output folder; `decode`: the pictures too.

    Raises:
        InputError: no output folder, no readable prompt file, or a run is at work on what is to be repaired.
    """
    sizes, folders = files_of(output)
    if RECORDS not in folders and not any(path.endswith(".json") for path in sizes):
        raise InputError(f"{output}: no poses and no record of a run; name the folder that a run wrote to")
    shards = read_progress(output)
    asked = what_was_asked(prompt_file, shards, pictures=any(path.endswith(".png") for path in sizes))
    store = PoseStore(output, asked.pictures)
    if not repair:
        return audit(store, asked, shards, decode)
    for shard in shards:
        if shard.alive:
            who = f"{shard.shard} (process {shard.pid} on {shard.host})"
            raise InputError(f"{output}: {who} is at work: wait for it or stop it, then repair")
    store.prepare()
    with shard_lock(output, shard=None, num_shards=1):  # no run starts meanwhile
        report = audit(store, asked, shards, decode)
        return replace(report, repair=set_aside(report, store, asked)) if report.exit_code else report


def what_was_asked(file: Path | None, shards: Sequence[Progress], pictures: bool) -> Asked:
    """The prompts of the file, else of the newest run. `pictures`: whether they are expected where no run tells."""
    newest = max(shards, key=lambda shard: shard.started, default=None)
    records = Path(newest.run_folder, ".hydra") if newest is not None else None
    try:
        config, hydra = (OmegaConf.load(records / name) if records else None for name in ("config.yaml", "hydra.yaml"))
    except (OSError, YAMLError, OmegaConfBaseException):
        config = None
    pictures = OmegaConf.select(config, "render.enabled", default=pictures)
