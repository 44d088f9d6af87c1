"""The models by name. Adding one is a module here (settings that load a `MotionModel`) and a file in `conf/model/`."""

from typing import Final

from mardm_batch.config.registry import Registry
from mardm_batch.sampling.models.acmdm import LatentAcmdmSettings, RawAcmdmSettings
from mardm_batch.sampling.models.embedded import EmbeddedSettings
from mardm_batch.sampling.models.published import DdpmSettings, SitSettings

MODELS: Final = Registry(
    "model",
    {
        "embedded": EmbeddedSettings,
        "sit": SitSettings,
        "ddpm": DdpmSettings,
        "acmdm": LatentAcmdmSettings,
        "acmdm_raw": RawAcmdmSettings,
    },
)
