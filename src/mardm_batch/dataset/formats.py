"""The files of a pose: one registered `Format` a suffix, with how it is encoded and checked.

Writing, resuming, listing, auditing and repairing read this registry, and suffixes are spelled here alone. To add a
format, register it below:

    register(Format(".csv", encode_csv, check_csv))
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Final

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.dataset.records import Pose, PoseDocument
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.skeleton import JOINT_NAMES, NUM_JOINTS
from mardm_batch.system.json_records import parse_json, required_keys, written_keys


class Damage(StrEnum):
    """The kinds of damage that a check finds."""

    UNREADABLE = "unreadable"
    WRONG = "wrong"
    MISMATCH = "different from the JSON"


class DamagedFileError(Exception):
    """A file of a pose is not as its format requires."""

    def __init__(self, damage: Damage, detail: str) -> None:
        super().__init__(detail)
        self.damage, self.detail = damage, detail


@dataclass(frozen=True)
class PoseContent:
    """What a format encodes: a pose, its JSON document, and its picture as PNG where it is drawn."""

    pose: Pose
    document: PoseDocument
    picture: bytes | None


@dataclass(frozen=True)
class Format:
    """A file that each pose has."""

    suffix: str
    encode: Callable[[PoseContent], bytes]
    check: Callable[[Path, PoseDocument | None], None]
    """Check a file, also against the pose's JSON unless that is damaged itself. Raises DamagedFileError."""
    setting: str | None = None
    """Dotted key of the setting that turns the format on; None: every pose has it."""

    @property
    def label(self) -> str:
        return self.suffix[1:].upper()

    def path(self, folder: Path, name: str) -> Path:
        """The file of the pose of that name."""
        return folder / f"{name}{self.suffix}"

    def paths(self, folder: Path) -> list[Path]:
        """All files of this format in a folder, sorted."""
        return sorted(path for path in folder.glob(f"*{self.suffix}") if not path.name.startswith("."))


FORMATS: Final[dict[str, Format]] = {}
"""By suffix, in the order of writing. The JSON is not among them: every pose has it, and it is written last."""


def register(format: Format) -> Format:
    """Add a format to the files of a pose. Every process of a run must do so: at the top of a module, not under main.

    Raises:
        ValueError: the suffix is none, or is taken.
    """
    if not format.suffix.startswith(".") or format.suffix in (*FORMATS, JSON.suffix):
        raise ValueError(f"{format.suffix!r} is no suffix of a new format; use one such as '.csv' that is not taken")
    FORMATS[format.suffix] = format
    return format


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


# JSON: caption, joints and provenance ---------------------------------------------------------------------------------


def encode_json(content: PoseContent) -> bytes:
    return json.dumps(content.document.to_json(), ensure_ascii=False, allow_nan=False).encode() + b"\n"


def read_json(path: Path) -> PoseDocument:
    """The JSON of a pose, complete and in the documented order.

    Raises:
        DamagedFileError: it is not.
    """
    try:
        parsed = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedFileError(Damage.UNREADABLE, str(error)) from None
    first = required_keys(PoseDocument)
    if not isinstance(parsed, dict) or list(parsed)[: len(first)] != first:
        raise DamagedFileError(Damage.WRONG, f"does not begin with the keys {', '.join(first)}")
    for key in written_keys(PoseDocument):
        if key not in parsed:
            raise DamagedFileError(Damage.WRONG, f"the key {key} is missing")
    try:
        document = PoseDocument.from_json(parsed)
    except ValueError as error:
        raise DamagedFileError(Damage.WRONG, str(error)) from None
    for key, value in (
        ("num_joints", NUM_JOINTS),
        ("joint_names", JOINT_NAMES),
        ("name", path.name.removesuffix(JSON.suffix)),
    ):
        if getattr(document, key) != value:
            raise DamagedFileError(Damage.WRONG, f"{key} should be {value}, not {getattr(document, key)}")
    return document


def check_json(path: Path, document: PoseDocument | None) -> None:
    read_json(path)


JSON: Final = Format(".json", encode_json, check_json)
"""Written last: a pose is finished when its JSON is there with its caption, beside the files of the other formats."""

# PNG: the picture -----------------------------------------------------------------------------------------------------


def encode_png(content: PoseContent) -> bytes:
    if content.picture is None:
        raise ValueError("the pose was not drawn")
    return content.picture


def check_png(path: Path, document: PoseDocument | None) -> None:
    """Decode the picture, its checksums included."""
    expected = (PICTURE_SIZE, PICTURE_SIZE)
    try:
        content = path.read_bytes()
        with PngImageFile(io.BytesIO(content)) as picture:
            size = picture.size
            picture.verify()  # the checksums, to the end of the file
        if size == expected:  # no decompression bomb then
            with PngImageFile(io.BytesIO(content)) as picture:
                picture.load()
    except Exception as error:  # damaged bytes raise exceptions of many types
        raise DamagedFileError(Damage.UNREADABLE, str(error) or type(error).__name__) from None
    if size != expected:
        raise DamagedFileError(Damage.WRONG, f"the picture should be {expected} pixels, not {size}")


PNG: Final = register(Format(".png", encode_png, check_png, setting="render.enabled"))

# NPY: the joints ------------------------------------------------------------------------------------------------------


def encode_npy(content: PoseContent) -> bytes:
    return npy_bytes(content.pose.joints)


def npy_bytes(joints: Joints) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(joints, dtype=np.float32), allow_pickle=False)
    return buffer.getvalue()


def check_npy(path: Path, document: PoseDocument | None) -> None:
    """float32 (22, 3), finite, and the same numbers as in the JSON."""
    try:
        joints = np.lib.format.open_memmap(path, mode="r")  # mapped: a header that claims terabytes costs nothing
    except Exception as error:  # damaged bytes raise exceptions of many types
        raise DamagedFileError(Damage.UNREADABLE, str(error)) from None
    if joints.shape != (NUM_JOINTS, 3) or joints.dtype != np.float32:
        detail = f"should be float32 ({NUM_JOINTS}, 3), not {joints.dtype} {joints.shape}"
        raise DamagedFileError(Damage.WRONG, detail)
    if not np.isfinite(joints).all():
        raise DamagedFileError(Damage.WRONG, "joints are not finite")
    if document is not None and not np.array_equal(document.joints, joints):
        distance = np.abs(document.joints - joints).max()
        raise DamagedFileError(Damage.MISMATCH, f"coordinates differ by up to {distance:.3g} m")


NPY: Final = register(Format(".npy", encode_npy, check_npy))
