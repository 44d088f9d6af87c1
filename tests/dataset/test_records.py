"""Records are read from JSON with every type checked, and written with the same keys in the same order."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure, MetadataRow, Pose, PoseDocument, Provenance, settings_differences
from mardm_batch.pose.skeleton import JOINT_NAMES
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.json_records import JsonRecord, parse_json

JOINTS = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)
PROVENANCE = Provenance("embedded", 1, 8, {"cfg": 2.0, "solver": "euler"}, "0123", "float32")
DOCUMENT = PoseDocument.of(Pose(Prompt("waving", "A person waving"), JOINTS, 8, 0), PROVENANCE)


def test_the_keys_of_a_pose_are_in_the_documented_order() -> None:
    assert list(DOCUMENT.to_json()) == [
        "caption", "frame_index", "num_joints", "joints", "joint_names",
        "name", "weights_sha256", "model", "seed", "sampling", "precision", "attempt",
        "parents", "units", "axes", "source", "unknown_words",
    ]  # fmt: skip


def test_a_pose_says_how_its_caption_was_read_where_that_differs() -> None:
    pose = Pose(Prompt("waving", "A persn waving"), JOINTS, 8, 0, read_as="A person waving")
    document = PoseDocument.of(pose, PROVENANCE).to_json()
    assert (document["caption"], document["read_as"]) == ("A persn waving", "A person waving")
    assert "read_as" not in DOCUMENT.to_json()


def test_a_pose_says_how_it_agrees_with_its_caption_where_that_was_measured() -> None:
    pose = Pose(Prompt("waving", "A person waving"), JOINTS, 8, 0, agreement=0.75, candidate=2)
    document = PoseDocument.of(pose, PROVENANCE).to_json()
    assert list(document)[-3:] == ["unknown_words", "agreement", "candidate"]
    assert (document["agreement"], document["candidate"]) == (0.75, 2)
    assert not {"agreement", "candidate"} & DOCUMENT.to_json().keys()


def test_a_pose_is_the_same_after_writing_and_reading() -> None:
    read = PoseDocument.from_json(parse_json(json.dumps(DOCUMENT.to_json())))
    assert np.array_equal(read.joints, JOINTS)
    assert read.joints.dtype == np.float32
    assert read.to_json() == DOCUMENT.to_json()
    assert read.joint_names == JOINT_NAMES


@pytest.mark.parametrize(
    "record",
    [
        Failure("A person 站", "站", "sample", "not finite"),
        MetadataRow("waving.png", "A person waving"),
        MetadataRow("a.png", "A person a", JOINTS.tolist(), ["a"], 0.5, {"id": 1, "columns": "two"}),
        Progress("all", "runs/1", total=3, newest=["a", "b"], seconds_left=1.5, exit_code=0),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_is_the_same_after_writing_and_reading(record: JsonRecord) -> None:
    assert type(record).from_json(parse_json(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"caption": 1}, "caption should be string, not integer"),
        ({"caption": "\ud800"}, "caption holds half of a surrogate pair"),
        ({"seed": "1"}, "seed should be integer or null, not string"),
        ({"seed": True}, "seed should be integer or null, not boolean"),
        ({"joints": [[0.0, 0.0, 0.0]] * 21}, "joints: should be 22 times 3 finite numbers"),
        ({"joints": [["0", "0", "0"]] * 22}, "joints: should be 22 times 3 finite numbers"),
        ({"joints": [[1e300, 0.0, 0.0]] * 22}, "joints: should be 22 times 3 finite numbers"),
        ({"joints": None}, "joints: should be 22 times 3 finite numbers"),
        ({"joint_names": ["pelvis", 1]}, "joint_names[1] should be string, not integer"),
        ({"sampling": []}, "sampling should be object or null, not array"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=".") as caught:
        PoseDocument.from_json({**DOCUMENT.to_json(), **changes})
    assert str(caught.value) == message


@pytest.mark.parametrize("document", [None, [], "text", 1])
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match="the document should be an object, not"):
        Failure.from_json(document)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ValueError, match="the key stage is missing"):
        Failure.from_json({"caption": "a", "name": "a", "error": "no"})


def test_unknown_keys_and_poses_without_provenance_are_read() -> None:
    first = dict(list(DOCUMENT.to_json().items())[:5])
    read = PoseDocument.from_json({**first, "added_later": 1})
    assert (read.caption, read.model) == ("A person waving", None)
    assert list(read.to_json()) == list(first)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "[" * 100_000])
def test_invalid_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        parse_json(text)


@pytest.mark.parametrize(
    ("provenance", "differences"),
    [
        (PROVENANCE, {}),
        (Provenance("embedded", 1, 8, {"cfg": 2, "solver": "euler"}), {}),
        (Provenance("embedded", 2, 8, {"cfg": 2.0, "solver": "euler"}), {"seed": (1, 2)}),
        (Provenance("embedded", 1, 9, {"cfg": 3.0, "solver": "euler"}), {"frame_index": (8, 9), "cfg": (2.0, 3.0)}),
        (replace(PROVENANCE, weights_sha256="4567"), {"weights_sha256": ("0123", "4567")}),
        (replace(PROVENANCE, precision="bfloat16"), {"precision": ("float32", "bfloat16")}),
        (
            Provenance("MARDM", 1, 8, {"cfg": 2.0, "temperature": 1.0}),
            {"model": ("embedded", "MARDM"), "temperature": (None, 1.0), "solver": ("euler", None)},
        ),
    ],
)
def test_a_pose_differs_from_a_provenance_as_far_as_that_is_known(provenance, differences) -> None:
    assert settings_differences(DOCUMENT.settings(), provenance) == differences


def test_a_pose_without_provenance_differs_from_every_one() -> None:
    first = dict(list(DOCUMENT.to_json().items())[:5])
    assert settings_differences(PoseDocument.from_json(first).settings(), PROVENANCE)["model"] == (None, "embedded")
