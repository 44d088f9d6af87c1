"""What decides what a pose is, as every pose's JSON records it."""

from typing import TYPE_CHECKING

from mardm_batch.config.schema import Config, EmbeddedSettings
from mardm_batch.dataset.store import Provenance
from mardm_batch.model.embedded import file_hash, find_embedded

if TYPE_CHECKING:
    pass


def pose_provenance(config: Config) -> Provenance:
    """What decides what a pose is, as every pose's JSON records it, as far as it is known before the model is loaded.

    Raises:
        InputError: the file of weights is not there or none.
    """
    sampling = config.sampling
    precision = {} if sampling.precision == "auto" else {"precision": sampling.precision}
    embedded = isinstance(config.model, EmbeddedSettings)
    weights = {"weights_sha256": file_hash(find_embedded(config.model.weights))} if embedded else {}
    return {
        **precision,
        **weights,
        "model": config.model.name,
        "frame_index": sampling.chosen_frame,
        "seed": config.seed,
        "sampling": {
            "sequence_length": sampling.sequence_length,
            "time_steps": sampling.time_steps,
            "cfg": sampling.cfg,
            **config.model.sampler_settings(),
        },
    }
