"""The published ACMDM models: their settings and how they are loaded. No torch until then."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from mardm_batch.config.schema import Allowed, SamplingSettings, Settings, out_of_range, setting, whole
from mardm_batch.model.archives import AcmdmFiles
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.sampling.models.checkpoints import CheckpointSettings
from mardm_batch.sampling.models.published_files import find_acmdm
from mardm_batch.sampling.models.settings import FlowSettings

if TYPE_CHECKING:
    from mardm_batch.model.acmdm_checkpoint import LoadedAcmdm
    from mardm_batch.model.acmdm_transformer import AcmdmSizes
    from mardm_batch.model.motion_model import MotionModel

SHORTEST_CLIP: Final = 40
"""Frames of the shortest clips in HumanML3D, on which the models were trained."""
_LONGEST_LATENTS: Final = 49
_LONGEST_JOINTS: Final = 196
"""Frames that a network of latents or of joints takes at most; the waves of its positions follow from them."""
_AXES: Final = 3
_HEAD_WIDTH: Final = 64


@dataclass
class AcmdmNetworkSettings(Settings):
    """Sizes of the transformer; they must be those of the checkpoint."""

    SECTION: ClassVar[str] = "model.network"

    text: int = setting("numbers in a caption's embedding", whole(1))
    width: int = setting(
        "channels of the transformer, 64 in each attention head",
        Allowed("a multiple of 64", lambda value: value > 0 and value % _HEAD_WIDTH == 0),
    )
    layers: int = setting("blocks of the transformer", whole(1))
    feed_forward: int = setting("hidden channels of the transformer's feed-forward network", whole(1))
    patch: int = setting(
        "joints that make one token", Allowed("1, 2, 11 or 22", lambda value: value > 0 and NUM_JOINTS % value == 0)
    )

    def sizes(self, channels: int, longest: int) -> "AcmdmSizes":
        """Of a network whose clips have so many channels a joint, and frames at most."""
        from mardm_batch.model.acmdm_transformer import AcmdmSizes

        return AcmdmSizes(channels, self.text, self.width, self.layers, self.feed_forward, self.patch, longest)


@dataclass
class LatentNetworkSettings(AcmdmNetworkSettings):
    """Sizes of transformer and autoencoder."""

    autoencoder_width: int = setting("channels of the autoencoder's convolutions", whole(1))
    latent: int = setting("channels of a joint in latents", whole(1))


@dataclass
class AcmdmSettings(CheckpointSettings, FlowSettings, ABC):
    """A published ACMDM: a flow that makes a whole clip in one solution."""

    fit_bones: bool = setting(
        "true: bones get the lengths of the skeleton, which nothing in the model holds; false: as the model makes them"
    )
    network: Any = setting("sizes of the networks")

    def check_sampling(self, sampling: SamplingSettings) -> None:
        """See `SampledSettings.check_sampling`: there are no decoding steps, and clips are not too short."""
        if sampling.time_steps is not None:
            raise out_of_range("sampling.time_steps", sampling.time_steps, f"null: {self.name} has no decoding steps")
        if sampling.sequence_length < SHORTEST_CLIP:
            raise out_of_range(
                "sampling.sequence_length",
                sampling.sequence_length,
                f"at least {SHORTEST_CLIP} for {self.name}, which was trained on no shorter clips (+preset=native)",
            )

    def load(self, sampling: SamplingSettings, device: str) -> "MotionModel":
        """See `ModelSettings.load`."""
        from mardm_batch.model.acmdm import AcmdmModel

        sampler = self.ode_sampler()
        return AcmdmModel(
            self.load_networks(device),
            sampler,
            sampling.cfg,
            self.batch_bounds(device),
            self.choose_precision(sampling.precision, device),
            self.fit_bones,
        )

    @abstractmethod
    def load_networks(self, device: str) -> "LoadedAcmdm":
        """The networks of the checkpoint."""

    def find(self, has_latents: bool) -> AcmdmFiles:
        """The files, which may be downloaded."""
        return find_acmdm(
            self.name,
            self.checkpoint_folder,
            self.stats_folder,
            has_latents,
            self.download,
            self.checkpoint_file,
            self.averaged,
        )

    def provenance(self) -> dict[str, Any]:
        """Solver, kind of weights and correction."""
        return {**super().provenance(), **self.weights_provenance(), "fit_bones": self.fit_bones}


@dataclass
class LatentAcmdmSettings(AcmdmSettings):
    """ACMDM in the latents of its autoencoder."""

    network: LatentNetworkSettings = setting("sizes of the networks")

    def load_networks(self, device: str) -> "LoadedAcmdm":
        """See `AcmdmSettings.load_networks`."""
        from mardm_batch.model.acmdm_checkpoint import load_acmdm

        sizes = self.network.sizes(self.network.latent, _LONGEST_LATENTS)
        text_encoder = self.load_text_encoder(device, self.network.text)
        width = self.network.autoencoder_width
        return self.load_checkpoint(
            lambda: self.find(has_latents=True),
            lambda files: load_acmdm(files, sizes, width, text_encoder, device, self.averaged),
        )


@dataclass
class RawAcmdmSettings(AcmdmSettings):
    """ACMDM in joint positions, without an autoencoder."""

    network: AcmdmNetworkSettings = setting("sizes of the network")

    def load_networks(self, device: str) -> "LoadedAcmdm":
        """See `AcmdmSettings.load_networks`."""
        from mardm_batch.model.acmdm_checkpoint import load_acmdm

        sizes = self.network.sizes(_AXES, _LONGEST_JOINTS)
        text_encoder = self.load_text_encoder(device, self.network.text)
        return self.load_checkpoint(
            lambda: self.find(has_latents=False),
            lambda files: load_acmdm(files, sizes, None, text_encoder, device, self.averaged),
        )
