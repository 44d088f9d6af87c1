"""The published models: their settings and how they are loaded. No torch until then."""

from abc import ABC
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mardm_batch.config.schema import SamplingSettings, Settings, number, setting, whole
from mardm_batch.errors import InputError, naming
from mardm_batch.sampling.models.published_files import find_published
from mardm_batch.sampling.models.settings import FlowSettings, ModelSettings

if TYPE_CHECKING:
    from mardm_batch.model.decoding import Sampler
    from mardm_batch.model.motion_model import MotionModel
    from mardm_batch.model.text import ClipTextEncoder
    from mardm_batch.model.transformer import MardmSizes


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
class PublishedSettings(ModelSettings, ABC):
    """Files and network sizes of a published model."""

    FLOW: ClassVar[Literal["sit", "ddpm"]]

    checkpoints: str | None = setting("folder with AE/model/latest.tar and NAME/model/latest.tar")
    stats: str | None = setting("folder with Mean.npy and Std.npy")
    download: bool = setting("true: get what is missing from the Hugging Face hub")
    text_encoder: str = setting("CLIP by its hub name, or a local folder")
    network: NetworkSettings = setting("sizes of the networks")

    if TYPE_CHECKING:

        def token_sampler(self) -> "Sampler":
            """The sampler that turns noise into tokens."""

    def load(self, sampling: SamplingSettings, device: str) -> "MotionModel":
        """See `ModelSettings.load`."""
        from mardm_batch.model.checkpoint import OtherSizeError, load_published
        from mardm_batch.model.decoding import DecodingSettings
        from mardm_batch.model.mardm import MardmModel

        decoding = DecodingSettings(sampling.time_steps, sampling.cfg, self.token_sampler())
        files = find_published(self.name, folder(self.checkpoints), folder(self.stats), self.download)
        sizes = self.network.mardm_sizes(self.FLOW)
        text_encoder = self.load_text_encoder(device)
        try:
            networks = load_published(files, sizes, self.network.autoencoder_width, text_encoder, device)
        except OtherSizeError as error:
            raise InputError(f"{error} than model and model.network say") from error
        return MardmModel(
            networks,
            decoding,
            sampling.sequence_length,
            sampling.chosen_frame,
            self.batch_bounds(device),
            self.choose_precision(sampling.precision, device),
        )

    def load_text_encoder(self, device: str) -> "ClipTextEncoder":
        """CLIP, whose embeddings must have the size that the networks take."""
        from mardm_batch.model.text import ClipTextEncoder

        with naming("model.text_encoder="):
            try:
                text_encoder = ClipTextEncoder.load(self.text_encoder, device, self.download)
            except InputError as error:
                if self.download or Path(self.text_encoder).is_dir():
                    raise
                raise InputError(f"{error}; set model.download=true, or name a local folder that holds it") from error
            if text_encoder.size != self.network.text:
                raise InputError(
                    f"{self.text_encoder}: it embeds a caption in {text_encoder.size} numbers, the network takes "
                    f"{self.network.text}; use CLIP ViT-B/32 (openai/clip-vit-base-patch32)"
                )
        return text_encoder


def folder(path: str | None) -> Path | None:
    """A folder that a setting names."""
    return None if path is None else Path(path).expanduser()


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
        return {"temperature": self.temperature}
