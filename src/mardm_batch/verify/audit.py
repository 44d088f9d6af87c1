"""What is in an output folder, against what was asked for. Nothing is written."""

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.progress import track
from yaml import YAMLError

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.layout import FAILURES, METADATA, RECORDS, STAGING_PREFIX
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.prompts.prompt_list import bundled_prompts, read_prompts
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import CONSOLE
from mardm_batch.verify.findings import NOTES, Asked, Finding, Kind, Report
from mardm_batch.verify.inspection import inspect

REMOVED = f"{RECORDS}/removed"


@dataclass(frozen=True)
class RunSettings:
    """What Hydra wrote down as a run started. `prompts`: the file; `pictures`: whether each pose has one."""

    prompts: Path
    limit: int | None
    pictures: bool


def expected_prompts(file: Path | None, shards: Sequence[Progress], pictures: bool) -> Asked:
    """The prompts of the file, else of the newest run. `pictures`: whether they are expected where no run tells."""
    newest = max(shards, key=lambda shard: shard.started, default=None)
    run = None if newest is None else read_run_settings(Path(newest.run_folder))
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


def read_run_settings(run_folder: Path) -> RunSettings | None:
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
        if name.startswith(".") or path.startswith((f"{RECORDS}/{STAGING_PREFIX}", f"{RECORDS}/probe-")):
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
    failures = FailureList(output)
    if failures.path.exists():
        try:
            failures.path.read_text(encoding="utf-8")
        except ValueError as error:
            yield Finding(Kind.UNKNOWN_FILE, FAILURES, str(error), (FAILURES,))
            return
    for each in failures.read():
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
