"""Training clips of written captions: people's own words, of which their authors said what must hold of the joints.

A pose is one of the model that is trained further, changed until it shows what its caption asks for. So the model
learns the words of many people, where composed captions have those of the pose library. Axes: b poses, 22 joints.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.judge.judge import load_judge
from mardm_batch.library.caption_conditions import read_conditions
from mardm_batch.library.clips import CLIP_FRAMES, Clip
from mardm_batch.library.sway import sway
from mardm_batch.model.checkpoint import LoadedModel
from mardm_batch.model.decoding import DecodingSettings
from mardm_batch.model.mardm import Corrections, MardmModel
from mardm_batch.model.noise_keys import noise_key
from mardm_batch.pose.balance import is_possible
from mardm_batch.pose.conditions import Condition
from mardm_batch.pose.features import joints_to_features
from mardm_batch.pose.geometry import canonical_position
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.adjusting import PoseAdjuster

BATCH_SIZE: Final = 128


class ToldAdjuster(PoseAdjuster):
    """Changes poses by what is known to be asked for, and by what is read in the captions besides."""

    def __init__(self, conditions: Mapping[str, Sequence[Condition]]) -> None:
        super().__init__(load_judge())
        self.conditions = conditions

    def _stated(self, caption: str) -> tuple[Condition, ...]:
        return tuple(dict.fromkeys((*self.conditions[caption], *super()._stated(caption))))


def written_captions() -> dict[str, tuple[Condition, ...]]:
    """The captions that come with the package to be learnt from, with what must hold of their poses."""
    with resources.as_file(resources.files("mardm_batch") / "assets" / "written_captions.yaml") as path:
        return read_conditions(Path(path))


def written_clips(
    start: LoadedModel,
    conditions: Mapping[str, Sequence[Condition]],
    poses_per_caption: int,
    seed: int,
    report: Callable[[int], None] = lambda made: None,
) -> list[Clip]:
    """At most `poses_per_caption` clips of held poses for each caption: those that meet all of its conditions.

    Of a caption without a side all poses show the same one, as of composed captions. `report` is called with the number
    of poses that were sampled so far.
    """
    captions = list(conditions)
    model, adjuster, rng = sampling_model(start), ToldAdjuster(conditions), np.random.default_rng(seed)
    clips: list[Clip] = []
    for number in range(poses_per_caption):
        for first in range(0, len(captions), BATCH_SIZE):
            batch = captions[first : first + BATCH_SIZE]
            keys = [noise_key(seed, caption, attempt=number) for caption in batch]
            sampled = canonical_position(model.chosen_frames(model.generate(batch, keys, frames=8)))
            poses, adjustments = adjuster.adjust(batch, sampled)
            usable = within_limits(poses) & (is_possible(poses) | ~is_possible(sampled))
            for row in np.flatnonzero(usable):
                caption = batch[row]
                if {each.text for each in conditions[caption]}.isdisjoint(adjustments[row].missed):
                    texts = tuple(dict.fromkeys((model.read(caption).text, caption)))
                    clip = joints_to_features(sway(poses[row], CLIP_FRAMES, rng), np.zeros(CLIP_FRAMES))
                    clips.append(Clip(clip, texts, (0,) * len(texts)))
            report(number * len(captions) + first + len(batch))
    return clips


def sampling_model(start: LoadedModel) -> MardmModel:
    """The model of a training's start as `+preset=fast` samples with it, but that it never turns a pose into its mirror
    image."""
    register_schemas()
    config = to_config(compose_config(["+preset=fast"]))
    decoding = DecodingSettings(config.sampling.decoding_steps, config.sampling.cfg, config.model.token_sampler())
    corrections = Corrections(fit_bones=True, on_floor=True)
    return MardmModel(copy.deepcopy(start), decoding, None, (1, BATCH_SIZE), corrections=corrections, rewriting=True)
