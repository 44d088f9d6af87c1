"""NPY: the joints of a pose, for NumPy."""

import io
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format, PoseContent
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.errors import reason_of
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.system.files import check_regular
from mardm_batch.system.terminal import counted


def encode_npy(content: PoseContent) -> bytes:
    return npy_bytes(content.pose.joints)


def npy_bytes(joints: Joints) -> bytes:
    values = np.ascontiguousarray(joints, dtype=np.float32)
    return npy_header(values.shape) + values.tobytes()


@cache
def npy_header(shape: tuple[int, ...]) -> bytes:
    """What stands before the numbers in a file of float32 values."""
    buffer, values = io.BytesIO(), np.zeros(shape, np.float32)
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()[: -values.nbytes or None]


def map_npy(path: Path) -> Joints:
    """The array of a file, mapped: a header that claims terabytes costs nothing, and pickles are refused.

    Raises:
        DamagedFileError: it cannot be read, or does not end with the array.
    """
    try:
        check_regular(path)
        joints = np.lib.format.open_memmap(path, mode="r")
        surplus = path.stat().st_size - joints.offset - joints.nbytes
    except Exception as error:  # damaged bytes raise exceptions of many types
        raise DamagedFileError(Damage.UNREADABLE, reason_of(error)) from None
    if surplus:
        raise DamagedFileError(Damage.WRONG, f"has {counted(surplus, 'byte')} after the array")
    return joints


def load_npy(content: bytes) -> Joints:
    """The array of a file's content; pickles are refused.

    Raises:
        DamagedFileError: it cannot be read.
    """
    try:
        joints: Joints = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # damaged bytes raise exceptions of many types
        raise DamagedFileError(Damage.UNREADABLE, str(error)) from None
    return joints


def pose_npy(joints: bytes) -> bytes:
    """The file of a pose by its joints, as the bytes of float32 numbers (22, 3)."""
    return npy_header((NUM_JOINTS, 3)) + joints


def check_npy(path: Path, document: PoseDocument | None) -> None:
    """float32 (22, 3), finite, and the same numbers as in the JSON."""
    joints = map_npy(path)
    if joints.shape != (NUM_JOINTS, 3) or joints.dtype != np.float32:
        detail = f"should be float32 ({NUM_JOINTS}, 3), not {joints.dtype} {joints.shape}"
        raise DamagedFileError(Damage.WRONG, detail)
    if not np.isfinite(joints).all():
        raise DamagedFileError(Damage.WRONG, "joints are not finite")
    if document is not None and not np.array_equal(document.joints, joints):
        distance = np.abs(document.joints - joints).max()
        raise DamagedFileError(Damage.MISMATCH, f"coordinates differ by up to {distance:.3g} m")


NPY: Final = Format(".npy", encode_npy, check_npy, of_joints=pose_npy)
