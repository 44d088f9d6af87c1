"""What decides what a pose is, as every pose's JSON records it."""

from mardm_batch.config.schema import Config
from mardm_batch.dataset.store import Provenance
from mardm_batch.model.motion_model import MotionModel
from mardm_batch.sampling.models.settings import ModelSettings


def pose_provenance(config: Config) -> Provenance:
    """The provenance of a run's poses as far as it is known before the model is loaded.

    Raises:
        InputError: the file of weights is missing or broken.
    """
    sampling = config.sampling
    model: ModelSettings = config.model
    weights_hash = model.weights_hash()
    return {
        **({} if sampling.precision == "auto" else {"precision": sampling.precision}),
        **({} if weights_hash is None else {"weights_sha256": weights_hash}),
        "model": model.name,
        "frame_index": sampling.chosen_frame,
        "seed": config.seed,
        "sampling": {
            "sequence_length": sampling.sequence_length,
            "time_steps": sampling.time_steps,
            "cfg": sampling.cfg,
            **model.provenance(),
        },
    }


def complete_provenance(config: Config, model: MotionModel) -> Provenance:
    """The provenance of a run's poses, all of it, by the loaded model."""
    return {**pose_provenance(config), "weights_sha256": model.weights_hash, "precision": model.precision}
