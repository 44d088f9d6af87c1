"""All that the settings can name: Hydra is told of it before it composes them."""

from mardm_batch.config.schema import register_schema
from mardm_batch.render import RENDERERS
from mardm_batch.sampling.models import MODELS
from mardm_batch.tracking import TRACKERS


def register_schemas() -> None:
    """Give Hydra the settings classes that the files in `conf/` start from."""
    register_schema()
    for registry in (MODELS, RENDERERS, TRACKERS):
        registry.tell_hydra()
