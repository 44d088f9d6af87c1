"""Audit an output folder: what is there against what was asked for, file by file. Only a repair writes.

python -m mardm_batch.verify OUTPUT_DIR [--prompts FILE] [--repair] [--no-pictures] [--json]
"""

import argparse
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
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
from mardm_batch.processes import available_cores
from mardm_batch.progress import Progress, read_progress
from mardm_batch.prompts import HASH_DIGITS, Prompt, bundled_prompts, file_name, read_prompts
from mardm_batch.skeleton import JOINT_NAMES, NUM_JOINTS
from mardm_batch.store import RECORDS, PoseStore

INTERRUPTED: Final = 130
EXAMPLES_SHOWN: Final = 10
PICTURE_SIZE: Final = (1200, 1200)  # pixels
METADATA, FAILURES, REMOVED = "metadata.jsonl", "failures.jsonl", f"{RECORDS}/removed"
FIRST_KEYS: Final = ["caption", "frame_index", "num_joints", "joints", "joint_names"]
SETTINGS: Final = ("model", "weights_sha256", "seed", "frame_index")
"""Keys that tell, with those under `sampling`, how a pose was made: the same in a whole data set, as a rule."""

USAGE = """\
  python -m mardm_batch.verify SinglePose                          is all that the newest run asked for there and whole?
  python -m mardm_batch.verify SinglePose --prompts captions.md    is a pose there for each of these captions?
  python -m mardm_batch.verify SinglePose --repair                 set aside what is broken; the next run makes it again

Exit codes: 0 all as asked; 1 something is off (notes do not count); 2 bad arguments, or a run is at work on what is to
be repaired.
"""


class Kind(str, Enum):
    """What can be found, in the order of the report."""

    MISSING_POSE = "missing pose"
    FAILED = "failed, and not made since"
    MISSING_FILE = "missing file of a pose"
    UNREADABLE_JSON = "unreadable JSON"
    WRONG_JSON = "wrong JSON"
    UNREADABLE_NPY = "unreadable NPY"
    WRONG_NPY = "wrong NPY"
    DIFFERENT_JOINTS = "JSON and NPY differ"
    UNREADABLE_PNG = "unreadable PNG"
    WRONG_PNG_SIZE = "wrong PNG size"
    WRONG_CAPTION = "caption is not the name's"
    ORPHAN = "PNG or NPY without JSON"
    TEMPORARY = "stray temporary file"
    UNKNOWN_FILE = "unknown file"
    METADATA = "metadata.jsonl does not list what is finished"
    NOT_ASKED = "pose that was not asked for"
    MIXED_SETTINGS = "mixed settings"
    FOLDER = "folder that was not looked into"
    LOG = "errors in the log of a run"
    AT_WORK = "run at work: what it is writing may be reported"


NOTES: Final = (Kind.NOT_ASKED, Kind.MIXED_SETTINGS, Kind.FOLDER, Kind.LOG, Kind.AT_WORK)
"""What is said but is nothing to put right."""


@dataclass(frozen=True)
class Finding:
    """`where`: the file or pose. `files`: what a repair moves, a JSON first. Paths are from the output folder."""

    kind: Kind
    where: str
    detail: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """`captions`: name -> caption; None where they are not known. `source` says where they stand, or why not."""

    captions: Mapping[str, str] | None
    source: str
    file: Path | None
    pictures: bool
    """Whether each pose has a picture."""


@dataclass(frozen=True)
class Repair:
    """`folder`: where the files went, if any had to. `to_make`: poses that the generator's next run makes."""

    folder: str | None
    moved: int
    to_make: int


@dataclass(frozen=True)
class Report:
    """`asked`: what says what was asked for. `counts` of poses. `disk`: files and bytes of each type."""

    output: Path
    asked: str
    counts: Mapping[str, int]
    problems: Sequence[Finding]
    notes: Sequence[Finding]
    disk: Mapping[str, tuple[int, int]]
    repair: Repair | None = None

    @property
    def exit_code(self) -> int:
        return 1 if self.problems else 0


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
        return replace(report, repair=set_aside(report, store, asked)) if report.problems else report


# What was asked for ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunSettings:
    """What Hydra wrote down as a run started. `prompts`: the file; `pictures`: whether each pose has one."""

    prompts: Path
    limit: int | None
    pictures: bool


def what_was_asked(file: Path | None, shards: Sequence[Progress], pictures: bool) -> Asked:
    """The prompts of the file, else of the newest run. `pictures`: whether they are expected where no run tells."""
    newest = max(shards, key=lambda shard: shard.started, default=None)
    run = None if newest is None else settings_of(Path(newest.run_folder))
    if run is not None:
        pictures = run.pictures
    if file is not None:
        return Asked(named(file, None), str(file), file, pictures)
    if run is None:
        return Asked(None, "not known: the settings of the newest run are not there; see --prompts", None, pictures)
    source = f"{run.prompts}, as by the newest run" + ("" if run.limit is None else f" with limit={run.limit}")
    try:
        return Asked(named(run.prompts, run.limit), source, run.prompts, pictures)
    except InputError as error:
        return Asked(None, f"not known: {error}", None, pictures)


def named(file: Path, limit: int | None) -> dict[str, str]:
    return {prompt.name: prompt.caption for prompt in read_prompts(file).prompts[:limit]}


def settings_of(run_folder: Path) -> RunSettings | None:
    """None where they are gone, or no run's."""
    try:
        config, hydra = (OmegaConf.load(run_folder / ".hydra" / name) for name in ("config.yaml", "hydra.yaml"))
        listed, limit, pictures = (
            OmegaConf.select(config, key) for key in ("paths.prompts", "limit", "render.enabled")
        )
        started_in = Path(OmegaConf.select(hydra, "hydra.runtime.cwd"))
    except (OSError, TypeError, YAMLError, OmegaConfBaseException):
        return None
    return RunSettings(bundled_prompts() if listed is None else started_in / Path(listed).expanduser(), limit, pictures)


# What is there --------------------------------------------------------------------------------------------------------


def audit(store: PoseStore, asked: Asked, shards: Sequence[Progress], decode: bool) -> Report:
    """Look at every file once."""
    sizes, folders = files_of(store.output)
    names = sorted(path[: -len(".json")] for path in sizes if path.endswith(".json") and path[0] != ".")
    # Threads, not processes: reading and decoding leave the interpreter to the others.
    with ThreadPoolExecutor(available_cores()) as pool:
        looked_at = pool.map(partial(inspect, store, asked, sizes.keys(), decode), names)
        hidden = not CONSOLE.is_terminal
        poses = list(track(looked_at, "poses", len(names), console=CONSOLE, transient=True, disable=hidden))
    documents = [pose.document for pose in poses if pose.document is not None]
    made = {pose.document.caption for pose in poses if pose.document is not None and pose.whole}
    missing = [item for item in (asked.captions or {}).items() if f"{item[0]}.json" not in sizes]
    at_work = [f"{shard.shard}, process {shard.pid} on {shard.host}" for shard in shards if shard.alive]
    found = [
        *(Finding(Kind.MISSING_POSE, name, caption) for name, caption in missing),
        *failed(store.output, asked, made),
        *(finding for pose in poses for finding in pose.findings),
        *strays(store.output, sizes.keys(), asked.file, bool(at_work)),
        *metadata(store),
        *mixed_settings([document.settings for document in documents]),
        *(Finding(Kind.FOLDER, folder) for folder in folders if folder != RECORDS),
        *logged_errors(shards),
        *(Finding(Kind.AT_WORK, each) for each in at_work),
    ]
    found.sort(key=lambda finding: list(Kind).index(finding.kind))
    counts = {"there": len(poses), "damaged": sum(not pose.whole for pose in poses)}
    if asked.captions is not None:
        counts = {"asked for": len(asked.captions), "missing": len(missing), **counts}
    problems, notes = ([each for each in found if (each.kind in NOTES) == are_notes] for are_notes in (False, True))
    return Report(store.output, asked.source, counts, problems, notes, disk_use(sizes))


def files_of(output: Path) -> tuple[dict[str, int], list[str]]:
    """Bytes of each file by its path from the output folder, the hidden records included; and the folders in it."""
    try:
        folders = sorted(entry.name for entry in os.scandir(output) if entry.is_dir())
    except OSError as error:
        raise InputError(f"{output}: {error.strerror}; name the folder that a run wrote to") from None
    sizes = {}
    for folder, below, names in os.walk(output):
        if Path(folder) == output:
            below[:] = [name for name in below if name == RECORDS]
        for path in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError):  # a run that is at work moved it
                sizes[path.relative_to(output).as_posix()] = path.lstat().st_size
    return sizes, folders


def strays(output: Path, paths: Collection[str], prompt_file: Path | None, at_work: bool) -> Iterator[Finding]:
    """Files that belong to no pose. While a run is at work, temporary files may be its own."""
    own = {METADATA, FAILURES}
    if prompt_file is not None and prompt_file.parent.resolve() == output.resolve():
        own.add(prompt_file.name)
    for path in sorted(paths):
        folder, _, name = path.rpartition("/")
        stem, suffix = os.path.splitext(name)
        is_pose_file = suffix in (".png", ".npy")
        if path in own or path.startswith(f"{REMOVED}/"):
            continue
        if name.startswith(".") or path.startswith((f"{RECORDS}/temp/", f"{RECORDS}/probe-")):
            kind = Kind.TEMPORARY
        elif folder or suffix == ".json" or (is_pose_file and f"{stem}.json" in paths):
            continue
        else:
            kind = Kind.ORPHAN if is_pose_file else Kind.UNKNOWN_FILE
        if kind is not Kind.TEMPORARY or not at_work:
            yield Finding(kind, path, files=(path,))


def metadata(store: PoseStore) -> Iterator[Finding]:
    finished = Counter(json.dumps(row) for row in store.captions())
    listed: Counter[str] = Counter()
    path = store.output / METADATA
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
            listed[json.dumps([row["file_name"], row["caption"]])] += 1
        except (ValueError, KeyError, TypeError):
            listed[str(line)] += 1
    if finished != listed:
        lacking, surplus = (finished - listed).total(), (listed - finished).total()
        yield Finding(Kind.METADATA, METADATA, f"{lacking} finished poses are not in it, {surplus} lines are of none")


def failed(output: Path, asked: Asked, made: Collection[str]) -> Iterator[Finding]:
    """What failed and was not made since, of the captions asked for where they are known."""
    try:
        failures = FailureList(output).read()
    except ValueError as error:
        yield Finding(Kind.UNKNOWN_FILE, FAILURES, str(error), (FAILURES,))
        return
    for each in failures:
        if each.caption not in made and (asked.captions is None or asked.captions.get(each.name) == each.caption):
            yield Finding(Kind.FAILED, each.name, f"{each.stage}: {each.error}")


def mixed_settings(settings: Sequence[tuple[str, ...]]) -> Iterator[Finding]:
    """Where not all poses were made alike: the groups that were, by what is not the same in all."""
    groups = Counter(settings)
    same = set.intersection(*map(set, groups)) if groups else set()
    for group, number in groups.most_common() if len(groups) > 1 else []:
        yield Finding(Kind.MIXED_SETTINGS, f"{number:,} poses", ", ".join(each for each in group if each not in same))


def logged_errors(shards: Sequence[Progress]) -> Iterator[Finding]:
    for log in (path for shard in shards for path in sorted(Path(shard.run_folder).glob("*.log"))):
        with suppress(OSError), log.open(encoding="utf-8", errors="replace") as lines:
            # a line begins with date and time, 23 characters
            errors = [line.strip() for line in lines if line[24:].startswith(("ERROR ", "CRITICAL "))]
            if errors:
                yield Finding(Kind.LOG, str(log), f"{len(errors):,}, the last: {errors[-1]}")


def disk_use(sizes: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Files and bytes of each type, the largest first."""
    use: dict[str, tuple[int, int]] = {}
    for path, size in sizes.items():
        what = "set aside" if path.startswith(f"{REMOVED}/") else Path(path).suffix or "other"
        files, total = use.get(what, (0, 0))
        use[what] = (files + 1, total + size)
    return dict(sorted(use.items(), key=lambda item: -item[1][1]))


# The files of a pose --------------------------------------------------------------------------------------------------


class Fault(Exception):
    """One of a pose's files is not as it should be."""

    def __init__(self, kind: Kind, detail: str) -> None:
        self.kind, self.detail = kind, detail


@dataclass(frozen=True)
class Document:
    """What the audit needs of a pose's JSON. `settings`: KEY=VALUE."""

    caption: str
    joints: Joints
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """What was found in a pose's files. `document` is None where the JSON is not as it should be."""

    document: Document | None
    findings: Sequence[Finding]

    @property
    def whole(self) -> bool:
        return all(each.kind in NOTES for each in self.findings)


def inspect(store: PoseStore, asked: Asked, there: Collection[str], decode: bool, name: str) -> Inspection:
    """Look into the files of a pose whose JSON is there."""
    found = [(suffix, Kind.MISSING_FILE, "") for suffix in store.suffixes if name + suffix not in there]
    read: dict[str, Any] = {}
    for suffix, check in ((".json", read_document), (".npy", read_joints), (".png", decode_picture)):
        if name + suffix in there and (decode or suffix != ".png"):
            try:
                read[suffix] = check(store.output / (name + suffix))
            except Fault as fault:
                found.append((suffix, fault.kind, fault.detail))
    document: Document | None = read.get(".json")
    if document is not None:
        joints = read.get(".npy", document.joints)
        if not np.array_equal(document.joints, joints):
            found.append((".json", Kind.DIFFERENT_JOINTS, f"by up to {np.abs(document.joints - joints).max():.3g} m"))
        kind = kind_of_caption(name, document.caption, asked)
        if kind is not None:
            found.append((".json", kind, document.caption))
    files = tuple(name + suffix for suffix in (".json", ".png", ".npy") if name + suffix in there)
    return Inspection(document, [Finding(kind, name + suffix, detail, files) for suffix, kind, detail in found])


def kind_of_caption(name: str, caption: str, asked: Asked) -> Kind | None:
    """Whether this name is this caption's: in the list where there is one, else by the rule of names."""
    if asked.captions is not None and name in asked.captions:
        return None if asked.captions[name] == caption else Kind.WRONG_CAPTION
    plain, (head, _, tail) = file_name(caption), name.rpartition("-")
    digest = hashlib.sha256(caption.encode()).hexdigest()
    hashed = len(tail) >= HASH_DIGITS and digest.startswith(tail) and plain.startswith(head)
    if not (name == plain or hashed):
        return Kind.WRONG_CAPTION
    return None if asked.captions is None else Kind.NOT_ASKED


def read_document(path: Path) -> Document:
    try:
        document = json.loads(path.read_bytes(), parse_constant=refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise Fault(Kind.UNREADABLE_JSON, str(error)) from None
    if not isinstance(document, dict) or list(document)[: len(FIRST_KEYS)] != FIRST_KEYS:
        raise Fault(Kind.WRONG_JSON, f"does not begin with the keys {', '.join(FIRST_KEYS)}")
    for key in (*SETTINGS, "sampling", "name", "units"):
        if key not in document:
            raise Fault(Kind.WRONG_JSON, f"the key {key} is not there")
    for key, value in (("num_joints", NUM_JOINTS), ("joint_names", list(JOINT_NAMES)), ("name", path.stem)):
        if document[key] != value:
            raise Fault(Kind.WRONG_JSON, f"{key} should be {value}, not {document[key]}")
    try:
        caption, joints, sampling = document["caption"], np.array(document["joints"]), document["sampling"].items()
        caption.encode()
    except (AttributeError, ValueError) as error:  # of other types, rows of unlike length, half a surrogate pair
        raise Fault(Kind.WRONG_JSON, f"caption, joints or sampling: {error}") from None
    with np.errstate(over="ignore"):
        joints = joints.astype(np.float32) if joints.dtype.kind in "if" else np.empty(0)
    if joints.shape != (NUM_JOINTS, 3) or not np.isfinite(joints).all():
        raise Fault(Kind.WRONG_JSON, f"joints are not {NUM_JOINTS} times 3 finite numbers")
    settings = [*((key, document[key]) for key in SETTINGS), *sampling]
    return Document(caption, joints, tuple(f"{key}={value}" for key, value in settings))


def refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def read_joints(path: Path) -> Joints:
    try:
        joints = np.lib.format.open_memmap(path, mode="r")  # mapped: a header that tells of terabytes costs nothing
    except Exception as error:  # damaged bytes raise many kinds
        raise Fault(Kind.UNREADABLE_NPY, str(error)) from None
    if joints.shape != (NUM_JOINTS, 3) or joints.dtype != np.float32:
        raise Fault(Kind.WRONG_NPY, f"should be float32 ({NUM_JOINTS}, 3), not {joints.dtype} {joints.shape}")
    if not np.isfinite(joints).all():
        raise Fault(Kind.WRONG_NPY, "joints are not finite")
    return np.array(joints)


def decode_picture(path: Path) -> None:
    try:
        content = path.read_bytes()
        with PngImageFile(io.BytesIO(content)) as picture:
            size = picture.size
            picture.verify()  # the checksums, to the end of the file
        if size == PICTURE_SIZE:  # which no decompression bomb is
            with PngImageFile(io.BytesIO(content)) as picture:
                picture.load()
    except Exception as error:  # damaged bytes raise many kinds
        raise Fault(Kind.UNREADABLE_PNG, str(error) or type(error).__name__) from None
    if size != PICTURE_SIZE:
        raise Fault(Kind.WRONG_PNG_SIZE, f"should be {PICTURE_SIZE}, not {size}")


# Repair and report ----------------------------------------------------------------------------------------------------


def set_aside(report: Report, store: PoseStore, asked: Asked) -> Repair:
    """Move what is broken or stray into a new folder of the hidden records, and list anew what is finished."""
    removed = store.output / REMOVED
    number = 1 + max((int(path.name) for path in removed.glob("*") if path.name.isdecimal()), default=0)
    paths = dict.fromkeys(path for problem in report.problems for path in problem.files)
    for path in paths:
        target = removed / str(number) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (store.output / path).rename(target)
    rebuild_metadata(store)
    to_make = report.counts["damaged"]
    if asked.captions is not None:
        to_make = len(store.survey([Prompt(*item) for item in asked.captions.items()], {}).unfinished)
    return Repair(str(removed / str(number)) if paths else None, len(paths), to_make)


def show(report: Report) -> None:
    """The report for people: counts first, then at most ten of a kind."""
    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
    counts = ", ".join(f"{number:,} {what}" for what, number in report.counts.items())
    console.print(f"poses: {counts}", style="bold")
    console.print(printable(f"asked for: {report.asked}"))
    for kind in Kind:
        found = [each for each in (*report.problems, *report.notes) if each.kind is kind]
        if found:
            style = "bold" if kind in NOTES else "bold red"
            console.print(f"{'note: ' if kind in NOTES else ''}{kind.value}: {len(found):,}", style=style)
        for each in found[:EXAMPLES_SHOWN]:
            console.print(printable(f"  {each.where}" + (f": {each.detail}" if each.detail else "")))
        if len(found) > EXAMPLES_SHOWN:
            console.print(f"  and {len(found) - EXAMPLES_SHOWN:,} more")
    console.print("disk use", style="bold")
    for what, (files, size) in report.disk.items():
        console.print(printable(f"  {what:<10} {files:>7,} files {size / 1e6:>10,.1f} MB"))
    if not report.problems:
        console.print("all as asked", style="bold green")
    elif report.repair is None:
        console.print("--repair sets aside what is broken, and the generator's next run makes it again", style="bold")
    else:
        where = f", in {report.repair.folder}" if report.repair.folder else ""
        console.print(printable(f"set aside: {report.repair.moved:,} files{where}"))
        console.print(f"the generator's next run makes {report.repair.to_make:,} poses", style="bold")


def printable(text: str) -> str:
    """Names and captions are untrusted: nothing in them steers the terminal."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mardm_batch.verify",
        description=(__doc__ or "").partition("\n")[0],
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("output_dir", type=Path, help="folder that a run wrote its poses to")
    parser.add_argument(
        "--prompts", type=Path, metavar="FILE", help="what is asked for (default: what the newest run was)"
    )
    parser.add_argument("--repair", action="store_true", help="set aside what is broken or stray; nothing is deleted")
    parser.add_argument("--no-pictures", action="store_true", help="do not decode the pictures: much faster")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every finding")
    options = parser.parse_args(arguments)
    try:
        report = verify(options.output_dir, options.prompts, options.repair, decode=not options.no_pictures)
    except (InputError, OSError) as error:
        parser.exit(2, f"{error}\n")
    except KeyboardInterrupt:
        return INTERRUPTED
    if options.json:
        print(json.dumps({**asdict(report), "exit_code": report.exit_code}, default=str, indent=1))
    else:
        show(report)
    return report.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
