"""The three files of a pose: where they are, whether they are finished, and writing them whole.

`NAME.png`, `NAME.npy`, `NAME.json` lie side by side in the output folder. Each is written under another name and moved
into place, the JSON last: a pose is finished when its JSON is there with the same caption and its siblings exist.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mardm_batch.dataset.layout import RECORDS, STAGING_PREFIX
from mardm_batch.dataset.records import Pose
from mardm_batch.errors import InputError
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.skeleton import JOINT_NAMES, NUM_JOINTS
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.files import translate_disk_full

Provenance = Mapping[str, Any]


@dataclass(frozen=True)
class Survey:
    """What the output folder holds of the prompts that were asked for."""

    finished: tuple[Prompt, ...]
    unfinished: tuple[Prompt, ...]
    other_settings: int
    """How many of the finished were made with other settings."""
    other_captions: int
    """How many of the unfinished have the files of another caption in their place."""


class PoseStore:
    """The poses of one output folder. `pictures`: whether a finished pose has a picture."""

    def __init__(self, output: Path, pictures: bool) -> None:
        self.output = output
        self.suffixes = (".png", ".npy") if pictures else (".npy",)

    def prepare(self) -> None:
        """Make the output folder.

        Raises:
            InputError: it cannot be made or written to.
        """
        try:
            (self.output / RECORDS).mkdir(parents=True, exist_ok=True)
            probe = self.output / RECORDS / f"probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise InputError(f"paths.output={self.output}: cannot be written to: {error.strerror}") from None

    def survey(self, prompts: Iterable[Prompt], provenance: Provenance) -> Survey:
        """Divide the prompts into finished and unfinished, by the files alone."""
        names = {entry.name for entry in os.scandir(self.output)}
        finished, unfinished = [], []
        other_settings = other_captions = 0
        for prompt in prompts:
            document = self.read(prompt.name) if f"{prompt.name}.json" in names else None
            same_caption = document is not None and document.get("caption") == prompt.caption
            if same_caption and all(prompt.name + suffix in names for suffix in self.suffixes):
                assert document is not None
                finished.append(prompt)
                other_settings += any(document.get(key) != value for key, value in provenance.items())
            else:
                unfinished.append(prompt)
                other_captions += document is not None and not same_caption
        return Survey(tuple(finished), tuple(unfinished), other_settings, other_captions)

    def pictures(self, prompts: Sequence[Prompt]) -> list[tuple[Path, str]]:
        """The pictures, with their captions, of those of the prompts that have one."""
        paths = ((self.output / f"{prompt.name}.png", prompt.caption) for prompt in prompts)
        return [(path, caption) for path, caption in paths if path.exists()]

    def read(self, name: str) -> dict[str, Any] | None:
        """The JSON of a pose; None where there is none that can be read."""
        try:
            document = json.loads((self.output / f"{name}.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None

    def captions(self) -> Iterator[tuple[str, str]]:
        """The file to show, a picture where there is one, and the caption of every finished pose, sorted by name."""
        names = {entry.name for entry in os.scandir(self.output)}
        for stem in sorted(name.removesuffix(".json") for name in names if name.endswith(".json")):
            if all(stem + suffix in names for suffix in self.suffixes):
                document = self.read(stem)
                if document is not None and "caption" in document:
                    yield stem + (".png" if f"{stem}.png" in names else ".npy"), document["caption"]


@contextmanager
def staging_folder(temp: Path, output: Path, owner: str) -> Iterator[Path]:
    """An empty folder for files in the making, from which they can be moved into the output folder in one step.

    It is under `temp` where moving works from there, which it does not from another disk, else hidden in `output`. What
    an earlier run of the same owner and output left there is removed. At the end the folder is removed, and `temp`
    where it is then empty.

    Raises:
        InputError: it cannot be made.
    """
    whose = hashlib.sha256(str(output.resolve()).encode()).hexdigest()[:8]
    try:
        temp.mkdir(parents=True, exist_ok=True)
        base = temp if can_move(temp, output / RECORDS) else output / RECORDS
        folder = base / f"{STAGING_PREFIX}{owner}-{whose}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)  # another run that ends may have removed `temp`, empty
    except OSError as error:
        raise InputError(f"paths.temp={temp}: cannot be written to: {error.strerror}") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another run's files are there
            temp.rmdir()


def can_move(source: Path, target: Path) -> bool:
    """Whether a file can be moved from one folder into the other in one step."""
    probe, moved = (folder / f"{STAGING_PREFIX}probe-{os.getpid()}" for folder in (source, target))
    try:
        probe.touch()
        os.replace(probe, moved)
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
        moved.unlink(missing_ok=True)
    return True


def write_pose(pose: Pose, picture: bytes | None, provenance: Provenance, output: Path, staging: Path) -> None:
    """Write a pose's files whole, the JSON last.

    Raises:
        DiskFullError: there is no space; nothing half written is left.
        OSError: they cannot be written for another reason.
    """
    name = pose.prompt.name
    contents = {".npy": npy_bytes(pose.joints), ".json": json_bytes(pose, provenance)}
    if picture is not None:
        contents = {".png": picture, **contents}
    staged = {suffix: staging / f"{name}{suffix}" for suffix in contents}
    try:
        with translate_disk_full():
            for suffix, content in contents.items():
                staged[suffix].write_bytes(content)
            for suffix in (".json", ".png"):  # of an earlier run: not finished while its files are exchanged
                earlier = output / f"{name}{suffix}"
                if earlier.exists():  # to unlink in vain would keep other processes out of the folder
                    earlier.unlink()
            for suffix in contents:
                os.replace(staged[suffix], output / f"{name}{suffix}")
    except BaseException:
        for path in staged.values():
            path.unlink(missing_ok=True)
        raise


def npy_bytes(joints: Joints) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(joints, dtype=np.float32), allow_pickle=False)
    return buffer.getvalue()


def json_bytes(pose: Pose, provenance: Provenance) -> bytes:
    """The JSON of a pose: its joints are the exact numbers of the NPY. No clock times: same run, same bytes."""
    document = {
        "caption": pose.prompt.caption,
        "frame_index": pose.frame_index,
        "num_joints": NUM_JOINTS,
        "joints": pose.joints.astype(np.float64).tolist(),
        "joint_names": list(JOINT_NAMES),
        "name": pose.prompt.name,
        **provenance,
        "attempt": pose.attempt,
        "units": "metres, Y up, the person faces +Z, pelvis above the origin",
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n"
