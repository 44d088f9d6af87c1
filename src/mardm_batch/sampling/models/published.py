"""The published MARDM models: their settings and how they are loaded. No torch until then."""

import logging
from abc import ABC
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from mardm_batch.config.schema import SamplingSettings, Settings, number, setting, whole
from mardm_batch.errors import InputError
from mardm_batch.sampling.models.checkpoints import CheckpointSettings
from mardm_batch.sampling.models.published_files import find_published
from mardm_batch.sampling.models.settings import FlowSettings

if TYPE_CHECKING:
    from mardm_batch.model.checkpoint import LoadedModel
    from mardm_batch.model.decoding import Sampler
    from mardm_batch.model.motion_model import MotionModel
    from mardm_batch.model.transformer import MardmSizes

_KINDS: Final = {"sit": "SiT", "ddpm": "DDPM"}
_log = logging.getLogger(__name__)


@dataclass
class NetworkSettings(Settings):
    """Sizes of the networks; they must be those of the checkpoint."""

    SECTION: ClassVar[str] = "model.network"

    autoencoder_width: int = setting("channels of the autoencoder's convolutions", whole(1))
    latent: int = setting("numbers in a latent token", whole(1))
    text: int = setting("numbers in a caption's embedding", whole(1))
    width: int = setting("channels of the transformer", whole(1))
    layers: int = setting("blocks of the transformer", whole(1))
    heads: int = setting("attention heads", whole(1))
    mlp_width: int = setting("hidden channels of the transformer's MLP", whole(1))
    head_width: int = setting("channels of the diffusion head", whole(1))
    head_blocks: int = setting("residual blocks of the diffusion head", whole(1))

    def mardm_sizes(self, flow: Literal["sit", "ddpm"]) -> "MardmSizes":
        """Those of transformer and diffusion head."""
        from mardm_batch.model.transformer import MardmSizes

        sizes = asdict(self)
        del sizes["autoencoder_width"]
        return MardmSizes(**sizes, flow=flow)


@dataclass
class PublishedSettings(CheckpointSettings, ABC):
    """Files and network sizes of a published MARDM."""

    FLOW: ClassVar[Literal["sit", "ddpm"]]

    network: NetworkSettings = setting("sizes of the networks")

    if TYPE_CHECKING:

        def token_sampler(self) -> "Sampler":
            """The sampler that turns noise into tokens."""

    def load(self, sampling: SamplingSettings, device: str) -> "MotionModel":
        """See `ModelSettings.load`."""
        from mardm_batch.model.decoding import DecodingSettings
        from mardm_batch.model.mardm import MardmModel

        decoding = DecodingSettings(sampling.decoding_steps, sampling.cfg, self.token_sampler())
        return MardmModel(
            self.load_networks(device),
            decoding,
            sampling.frame_index,
            self.batch_bounds(device),
            self.choose_precision(sampling.precision, device),
        )

    def load_networks(self, device: str) -> "LoadedModel":
        """The networks of the checkpoint."""
        from mardm_batch.model.checkpoint import load_published

        sizes = self.network.mardm_sizes(self.FLOW)
        text_encoder = self.load_text_encoder(device, self.network.text)
        networks = self.load_checkpoint(
            lambda: find_published(
                self.name,
                self.checkpoint_folder,
                self.stats_folder,
                self.download,
                self.checkpoint_file,
                self.averaged,
            ),
            lambda files: load_published(
                files, sizes, self.network.autoencoder_width, text_encoder, device, self.averaged
            ),
        )
        self.check_kind(networks)
        return networks

    def check_kind(self, networks: "LoadedModel") -> None:
        """Refuse networks whose head was trained for the other flow, which fit all the same."""
        from mardm_batch.model.head_kind import head_kind

        kind = head_kind(networks.network)
        if kind is None:
            _log.warning(
                "%s: cannot tell by its weights whether it is a %s model; is it trained?", self.name, _KINDS[self.FLOW]
            )
        elif kind != self.FLOW:
            found, said = _KINDS[kind], _KINDS[self.FLOW]
            raise InputError(
                f"model.name={self.name}: its weights are of a {found} model, not of a {said} one; use "
                f"model=mardm_{kind}_xl"
            )

    def provenance(self) -> dict[str, Any]:
        """The kind of weights."""
        return {**super().provenance(), **self.weights_provenance()}


@dataclass
class SitSettings(PublishedSettings, FlowSettings):
    """A published model whose head is a flow."""

    FLOW: ClassVar[Literal["sit", "ddpm"]] = "sit"


@dataclass
class DdpmSettings(PublishedSettings):
    """A published model whose head removes noise in 50 steps."""

    FLOW: ClassVar[Literal["sit", "ddpm"]] = "ddpm"

    temperature: float = setting("scales the noise of the 50 diffusion steps", number(0, 10))

    def token_sampler(self) -> "Sampler":
        """The sampler that turns noise into tokens."""
        from mardm_batch.model.ddpm import AncestralSampler

        return AncestralSampler(self.temperature)

    def provenance(self) -> dict[str, Any]:
        """The temperature."""
        return {**super().provenance(), "temperature": self.temperature}
