"""The files of one pose, opened and held against each other."""

import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from mardm_batch.dataset.store import PoseStore
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.skeleton import JOINT_NAMES, NUM_JOINTS
from mardm_batch.prompts.names import is_name_of
from mardm_batch.render.png import PICTURE_SIZE
from mardm_batch.verify.findings import NOTES, Asked, Finding, Kind

FIRST_KEYS: Final = ["caption", "frame_index", "num_joints", "joints", "joint_names"]
SETTINGS: Final = ("model", "weights_sha256", "precision", "seed", "frame_index")
"""Keys that tell, with those under `sampling`, how a pose was made: the same in a whole data set, as a rule."""


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
    if not is_name_of(name, caption):
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
        if size == (PICTURE_SIZE, PICTURE_SIZE):  # which no decompression bomb is
            with PngImageFile(io.BytesIO(content)) as picture:
                picture.load()
    except Exception as error:  # damaged bytes raise many kinds
        raise Fault(Kind.UNREADABLE_PNG, str(error) or type(error).__name__) from None
    if size != (PICTURE_SIZE, PICTURE_SIZE):
        raise Fault(Kind.WRONG_PNG_SIZE, f"should be {(PICTURE_SIZE, PICTURE_SIZE)}, not {size}")
