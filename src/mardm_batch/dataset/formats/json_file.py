"""JSON: the caption, the joints and the provenance of a pose."""

import json
from itertools import islice
from pathlib import Path
from typing import Final

from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format, PoseContent
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.errors import reason_of
from mardm_batch.pose.skeleton import JOINT_NAMES, NUM_JOINTS
from mardm_batch.system.files import read_regular
from mardm_batch.system.json_records import parse_json, required_keys, written_keys


def encode_json(content: PoseContent) -> bytes:
    return json.dumps(content.document.to_json(), ensure_ascii=False, allow_nan=False).encode() + b"\n"


def read_json(path: Path) -> PoseDocument:
    """The JSON of a pose, complete and in the documented order.

    Raises:
        DamagedFileError: it is not.
    """
    try:
        content = read_regular(path)
    except (OSError, ValueError) as error:
        raise DamagedFileError(Damage.UNREADABLE, reason_of(error)) from None
    return pose_document(content, path.name.removesuffix(JSON.suffix))


def pose_document(content: bytes | str, name: str) -> PoseDocument:
    """As `read_json`, of the content of the file of the pose of that name."""
    try:
        parsed = parse_json(content)
    except ValueError as error:
        raise DamagedFileError(Damage.UNREADABLE, str(error)) from None
    first = required_keys(PoseDocument)
    if not isinstance(parsed, dict) or tuple(islice(parsed, len(first))) != first:
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
        ("name", name),
    ):
        if getattr(document, key) != value:
            raise DamagedFileError(Damage.WRONG, f"{key} should be {value}, not {getattr(document, key)}")
    return document


def check_json(path: Path, document: PoseDocument | None) -> None:
    read_json(path)


JSON: Final = Format(".json", encode_json, check_json)
"""Written last: a pose is finished when its JSON has its caption and the files of the other formats exist."""
