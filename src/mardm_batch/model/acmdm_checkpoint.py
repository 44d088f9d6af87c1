"""Published ACMDM checkpoints to networks ready to sample. Axes: b clips, c channels, f frames of the network's (of
latents, or of joints), T frames of joints, 22 joints."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from mardm_batch.model.acmdm_autoencoder import AXES, CausalAutoencoder
from mardm_batch.model.acmdm_transformer import AcmdmSizes, AcmdmTransformer
from mardm_batch.model.archives import AcmdmFiles, LatentFiles
from mardm_batch.model.text import TextEncoder
from mardm_batch.model.weights import combined_hash, fill, load_deviation, load_part, load_statistic, weights_hash

_AUTOENCODER_KEY, _AVERAGE_KEY, _RAW_KEY = "ae", "ema_acmdm", "acmdm"  # of the published archives
_DECODED_FRAMES: Final = 2560
"""Frames that are decoded at once: enough for the speed of convolutions, few enough for memory (width 512, float32: 1.8
MB a frame)."""

PUBLISHED_MEAN: Final = (0.00016345179756172001, 0.37663161754608154, 0.31019124388694763)
PUBLISHED_STD: Final = (0.5147618055343628, 0.6101322174072266, 0.871558427810669)
"""Of x, y and z of all joints in HumanML3D, metres, as the published program has them."""


@dataclass(frozen=True)
class LatentSpace:
    """The autoencoder, and mean and deviation (c,) of its latents."""

    autoencoder: CausalAutoencoder
    mean: Tensor
    std: Tensor

    def decode(self, latents: Tensor) -> Tensor:
        """Normalised latents (b, c, f, 22) to normalised joints (b, 4 f, 22, 3)."""
        latents = latents * self.std[:, None, None] + self.mean[:, None, None]
        clips = max(1, _DECODED_FRAMES // (4 * latents.shape[2]))
        # cuDNN's convolutions would round to 10 bits (TF32), which moves joints by millimetres.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return torch.cat([self.autoencoder.decode(each) for each in torch.split(latents, clips)])


@dataclass(frozen=True)
class LoadedAcmdm:
    """Networks in evaluation mode, float32, on one device, with the text encoder and the joints' statistics."""

    network: AcmdmTransformer
    latent_space: LatentSpace | None
    """None where the network makes joints."""
    text_encoder: TextEncoder
    mean: Tensor  # (3,)
    std: Tensor  # (3,)
    weights_hash: str  # SHA-256, hexadecimal

    @torch.inference_mode()
    def to_joints(self, clips: Tensor) -> Tensor:
        """What the network makes, (b, c, f, 22), to joints (b, T, 22, 3) in metres."""
        joints = self.latent_space.decode(clips) if self.latent_space is not None else clips.permute(0, 2, 3, 1)
        return joints * self.std + self.mean


def load_acmdm(
    files: AcmdmFiles,
    sizes: AcmdmSizes,
    autoencoder_width: int | None,
    text_encoder: TextEncoder,
    device: torch.device | str = "cpu",
    averaged: bool = True,
) -> LoadedAcmdm:
    """The published networks, whose sizes must be those of the checkpoint.

    Args:
        autoencoder_width: of a network of latents.
        averaged: the moving average of the network's weights, as published; else those of its last training step.

    Raises:
        OtherSizeError: the checkpoint is of another size.
        InputError: a file is broken or not finite.
    """
    mean = torch.tensor(PUBLISHED_MEAN) if files.mean is None else load_statistic(files.mean, AXES)
    std = torch.tensor(PUBLISHED_STD) if files.std is None else load_deviation(files.std, AXES)
    with torch.device("meta"):
        network = AcmdmTransformer(sizes)
    weights, network_hash = load_part(files.network, _AVERAGE_KEY if averaged else _RAW_KEY, network, averaged)
    hashes = [network_hash, weights_hash({"mean": mean, "std": std})]
    latent_space = None
    if files.latents is not None and autoencoder_width is not None:
        latent_space, latents_hash = _load_latent_space(files.latents, sizes.channels, autoencoder_width, device)
        hashes.append(latents_hash)
    return LoadedAcmdm(
        network=fill(network, weights, device),
        latent_space=latent_space,
        text_encoder=text_encoder,
        mean=mean.to(device),
        std=std.to(device),
        weights_hash=combined_hash(*hashes),
    )


def _load_latent_space(
    files: LatentFiles, channels: int, width: int, device: torch.device | str
) -> tuple[LatentSpace, str]:
    mean, std = load_statistic(files.mean, channels), load_deviation(files.std, channels)
    with torch.device("meta"):
        autoencoder = CausalAutoencoder(width, channels)
    weights, autoencoder_hash = load_part(files.autoencoder, _AUTOENCODER_KEY, autoencoder)
    space = LatentSpace(fill(autoencoder, weights, device), mean.to(device), std.to(device))
    return space, combined_hash(autoencoder_hash, weights_hash({"mean": mean, "std": std}))
