"""The records of a data set: a pose, its provenance, its JSON, its line of metadata, a failure, an outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np

from mardm_batch.constants import chosen_frame
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.skeleton import JOINT_NAMES, NUM_JOINTS, PARENTS
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.json_records import Codec, JsonRecord, json_field

UNITS: Final = "metres, Y up, the person faces +Z, pelvis above the origin"
LOW_AGREEMENT: Final = 0.5
"""Poses that agree less with their captions are counted apart."""
CLIP_FRAMES: Final = "sequence_length"
"""The key of the sampling settings with the length of the clip."""
Changed = tuple[int, int]
"""Of a file: when it was changed, in nanoseconds, and its size. Another one where it was written again."""
AXES: Final = {"up": "+Y", "facing": "+Z", "left": "+X"}


@dataclass(frozen=True)
class Pose:
    """A sampled pose.

    `joints` (22, 3) float32: metres, Y up, the person faces +Z with the pelvis above the origin.
    """

    prompt: Prompt
    joints: Joints
    frame_index: int
    """Index of the frame in the clip that was sampled."""
    attempt: int
    """Number of earlier samples, with other noise, that were rejected."""
    frame_change: float = 0.0
    """Mean distance in metres of the joints from where they are in the adjacent frames."""
    read_as: str | None = None
    """The caption in the words in which the model reads it, where these are others."""
    clip: Joints | None = None
    """The clip (frames, 22, 3) of which `joints` is the frame `frame_index`, where it is kept."""
    unknown_words: tuple[str, ...] = ()
    """The words of the caption that the model does not know, each once, in their order."""
    rejections: int = 0
    """Number of earlier poses of this prompt that a review rejected."""
    agreement: float | None = None
    """With the caption, from 0 to 1; see `judge.judge.Agreement`."""
    candidate: int | None = None
    """Which of the candidates for its prompt it is, from 0; None where there could not be others."""
    adjusted_for: tuple[str, ...] = ()
    """The conditions that its caption states and the sampled pose missed: it was changed for them."""
    shows_statements: bool = True
    """Whether it meets all conditions that its caption states, where these are looked for."""
    acceptable: bool = True
    """Whether the model accepts its clip; a last attempt may be kept all the same."""
    is_possible: bool = True
    """Whether a person could stand so: in balance, and no limb through the trunk."""


@dataclass(frozen=True)
class Provenance:
    """Model and settings that, with its caption, determine a pose. None: unknown until the model is loaded."""

    model: str
    seed: int
    frame_index: int | None
    """Of the clip the frame that is the pose; None: the middle one, however long the clip is."""
    sampling: Mapping[str, Any]
    weights_sha256: str | None = None
    precision: str | None = None

    def of(self, prompt: Prompt) -> "Provenance":
        """That of a prompt's pose: with the length of its own clip, where it has one, and the frame of that."""
        own = {} if prompt.frames is None else {CLIP_FRAMES: prompt.frames}
        sampling = {**self.sampling, **own}
        frame = chosen_frame(sampling.get(CLIP_FRAMES, 0), self.frame_index)
        return replace(self, sampling=sampling, frame_index=frame)


def number_after_first(prompt: Prompt) -> int | None:
    """The number of a prompt's pose as files have it: a caption's first pose is what it is without others."""
    return prompt.number if prompt.number > 1 else None


def read_joints(value: Any) -> Joints:
    joints = np.array(value)
    with np.errstate(over="ignore"):
        joints = joints.astype(np.float32) if joints.dtype.kind in "if" else np.empty(0, np.float32)
    if joints.shape != (NUM_JOINTS, 3) or not np.isfinite(joints).all():
        raise ValueError(f"should be {NUM_JOINTS} times 3 finite numbers")
    return joints


def write_joints(joints: Joints) -> list[list[float]]:
    """Exactly the float32 values."""
    values: list[list[float]] = joints.astype(np.float64).tolist()
    return values


JOINTS: Final = Codec(
    read_joints,
    write_joints,
    {
        "type": "array",
        "minItems": NUM_JOINTS,
        "maxItems": NUM_JOINTS,
        "items": {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "number"}},
    },
)


def provenance_field(description: str) -> Any:
    """Of every pose that is written; optional when read, as the original system's poses lack it."""
    return json_field(description, default=None, written=True)


@dataclass(frozen=True)
class PoseDocument(JsonRecord):
    """The JSON of a pose. It holds no clock times: the same run writes the same bytes."""

    caption: str = json_field("the text exactly as in the prompt file")
    frame_index: int = json_field("index of the frame in the clip that was sampled")
    num_joints: int = json_field("the number of joints")
    joints: Joints = json_field("positions of the joints; the same float32 numbers as in the NPY", codec=JOINTS)
    joint_names: tuple[str, ...] = json_field("names of the joints, in the order of their positions")
    name: str | None = provenance_field("the name of the pose's files without suffix")
    weights_sha256: str | None = provenance_field("SHA-256 of the model's weights")
    model: str | None = provenance_field("the name of the model")
    seed: int | None = provenance_field("the seed of the run")
    sampling: Mapping[str, Any] | None = provenance_field("settings of the sampler")
    precision: str | None = provenance_field("floating-point type that the model computed in")
    attempt: int | None = provenance_field("number of earlier samples, with other noise, that were rejected")
    parents: tuple[int, ...] | None = provenance_field("of each joint the index of its parent; -1 of the root")
    units: str | None = provenance_field("units and axes of the joints")
    axes: Mapping[str, str] | None = provenance_field("where up is, where the person faces, and where its left is")
    source: Mapping[str, Any] | None = provenance_field("the other columns of the prompt file")
    read_as: str | None = json_field("the caption as the model reads it, where that differs", default=None)
    unknown_words: tuple[str, ...] | None = provenance_field("words of the caption that the model does not know")
    agreement: float | None = json_field(
        "share from 0 to 1 of what the caption states that the pose shows; absent where the caption states nothing "
        "that can be measured",
        default=None,
    )
    candidate: int | None = json_field(
        "where several candidates may be sampled, which of them was kept, counted from 0", default=None
    )
    adjusted_for: tuple[str, ...] | None = json_field(
        "conditions that the caption states and the sampled pose missed, for which it was changed; balanced: it would "
        "have fallen",
        default=None,
    )
    rejections: int | None = json_field(
        "number of earlier poses of this prompt that a review rejected; left out where there are none", default=None
    )
    pose_number: int | None = json_field("which pose of its caption, from 2 on; left out for the first", default=None)

    @property
    def key(self) -> tuple[str, int]:
        """See `Prompt.key`."""
        return self.caption, self.pose_number or 1

    @classmethod
    def of(cls, pose: Pose, provenance: Provenance) -> Self:
        return cls(
            caption=pose.prompt.caption,
            num_joints=NUM_JOINTS,
            joints=pose.joints,
            joint_names=JOINT_NAMES,
            name=pose.prompt.name,
            attempt=pose.attempt,
            parents=PARENTS,
            units=UNITS,
            axes=AXES,
            source=pose.prompt.source,
            read_as=pose.read_as,
            unknown_words=pose.unknown_words,
            agreement=pose.agreement,
            candidate=pose.candidate,
            adjusted_for=pose.adjusted_for or None,
            rejections=pose.rejections or None,
            pose_number=number_after_first(pose.prompt),
            **{**vars(provenance.of(pose.prompt)), "frame_index": pose.frame_index},
        )

    def settings(self) -> dict[str, Any]:
        """The settings that determined the pose, those of the sampler under their own names."""
        return {**{key: getattr(self, key) for key in SETTINGS_BESIDE_SAMPLING}, **(self.sampling or {})}


SETTINGS_BESIDE_SAMPLING: Final = ("model", "weights_sha256", "precision", "seed", "frame_index")


def settings_differences(theirs: Mapping[str, Any], provenance: Provenance) -> dict[str, tuple[Any, Any]]:
    """The settings of a pose and those of a provenance, by the key in which they differ.

    What the provenance does not know is not compared. None stands for a value that one of the two lacks.

    Args:
        theirs: see `PoseDocument.settings`.
    """
    settings = {**vars(provenance), **provenance.sampling}
    ours = {key: value for key, value in settings.items() if value is not None and key != "sampling"}
    keys = dict.fromkeys((*ours, *(key for key in theirs if key not in SETTINGS_BESIDE_SAMPLING)))
    pairs = {key: (theirs.get(key), ours.get(key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


@dataclass(frozen=True)
class MetadataRow(JsonRecord):
    """A line of `metadata.jsonl`: a finished pose."""

    file_name: str = json_field("the picture, or the joints in a data set without pictures")
    caption: str = json_field("the text exactly as in the prompt file")
    joints: list[list[float]] = json_field(
        "positions of the 22 joints in metres, as in the JSON", written=True, default_factory=list
    )
    unknown_words: list[str] = json_field(
        "words of the caption that the model does not know", written=True, default_factory=list
    )
    agreement: float | None = json_field(
        "with the caption, as in the JSON; null where it was not measured", written=True, default_factory=lambda: None
    )
    columns: Mapping[str, Any] = json_field(
        "the other columns of the prompt file, the same in every line", rest=True, default_factory=dict
    )


@dataclass(frozen=True)
class Failure(JsonRecord):
    """A pose that could not be generated, as `failures.jsonl` lists it. `stage`: text, sample, pose or write."""

    caption: str
    name: str
    stage: str
    error: str
    pose_number: int | None = json_field("which pose of its caption, from 2 on; left out for the first", default=None)

    @classmethod
    def of(cls, prompt: Prompt, stage: str, error: str) -> Self:
        return cls(prompt.caption, prompt.name, stage, error, number_after_first(prompt))

    @property
    def key(self) -> tuple[str, int]:
        """See `Prompt.key`."""
        return self.caption, self.pose_number or 1


@dataclass(frozen=True)
class Finished:
    """A pose that is in place, by the process that wrote or read it."""

    name: str
    changed: Changed
    key: int
    settings: Mapping[str, Any]
    unknown_words: bool


@dataclass(frozen=True)
class Outcome:
    """The end of a pose in the writers: written unless there is a failure. `seconds` by stage (draw, write)."""

    pose: Pose
    failure: Failure | None
    seconds: Mapping[str, float]
    finished: Finished | None = None
    """What the ledger has of it; None where it was not written."""
