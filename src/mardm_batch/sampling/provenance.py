"""Provenance of poses: model, weights, seed and sampling settings, as every pose's JSON records them."""

from dataclasses import replace

from mardm_batch.config.schema import Config
from mardm_batch.dataset.records import CLIP_FRAMES, Provenance
from mardm_batch.judge.judge_file import judge_hash
from mardm_batch.language.version import STATEMENTS_VERSION
from mardm_batch.model.motion_model import MotionModel
from mardm_batch.sampling.models.settings import ModelSettings


def pose_provenance(config: Config) -> Provenance:
    """The provenance of a run's poses as far as it is known before the model is loaded.

    Raises:
        InputError: the file of weights is missing or broken.
    """
    return replace(settings_provenance(config), weights_sha256=config.model.weights_hash())


def settings_provenance(config: Config) -> Provenance:
    """What the settings alone say about a run's poses, whether the model's files exist or not."""
    sampling = config.sampling
    model: ModelSettings = config.model
    return Provenance(
        model=model.name,
        seed=config.seed,
        frame_index=sampling.frame_index,
        sampling={
            CLIP_FRAMES: sampling.sequence_length,
            **({} if sampling.time_steps is None else {"time_steps": sampling.time_steps}),
            "cfg": sampling.cfg,
            **model.provenance(),
            **({"candidates": sampling.candidates} if sampling.candidates > 1 else {}),
            **({} if sampling.min_agreement is None else {"min_agreement": sampling.min_agreement}),
            **({"adjust": STATEMENTS_VERSION} if sampling.adjust else {}),
            **({"judge": judge_hash()} if sampling.chooses_poses or sampling.adjust else {}),
        },
        precision=None if sampling.precision == "auto" else sampling.precision,
    )


def complete_provenance(config: Config, model: MotionModel) -> Provenance:
    """The provenance of a run's poses, all of it, by the loaded model."""
    return replace(pose_provenance(config), weights_sha256=model.weights_hash, precision=model.precision)
