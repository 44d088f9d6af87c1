"""The records of a data set: a pose, a failure, and the outcome of writing a pose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mardm_batch.pose.geometry import Joints
from mardm_batch.system.json_records import JsonRecord

if TYPE_CHECKING:
    from mardm_batch.prompts.names import Prompt


@dataclass(frozen=True)
class Pose:
    """`joints` (22, 3) float32: metres, Y up, the person faces +Z with the pelvis above the origin."""

    prompt: "Prompt"
    joints: Joints
    frame_index: int
    attempt: int
    """How often it was sampled before, with other noise, and was not usable."""
    frame_change: float = 0.0
    """Metres by which a joint moves, on average, from the frames beside the chosen one to it."""


@dataclass(frozen=True)
class Failure(JsonRecord):
    """A pose that could not be generated, as `failures.jsonl` lists it. `stage`: text, sample, pose or write."""

    caption: str
    name: str
    stage: str
    error: str


@dataclass(frozen=True)
class Outcome:
    """What became of a pose: written, unless there is a failure, in so many seconds by stage (draw, write)."""

    pose: Pose
    failure: Failure | None
    seconds: Mapping[str, float]
