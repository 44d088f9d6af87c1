"""ACMDM's autoencoder: joint positions to latents and back, every joint alone.

Axes: b batch, c channels, T frames, j joints, t latent frames (T = 4 t). Convolutions over time with a stride of 4
frames (Meng et al., arXiv 2505.19377), all of them causal: a frame depends on itself and on earlier ones, and zeros
stand before the first. Joints share weights and never mix: tensors are (b, c, T, j), kernels (k, 1). Module attributes
carry the names of the published checkpoint, whose numbers count the zeros before a layer as layers.
"""

from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

from mardm_batch.constants import FRAMES_PER_TOKEN

_DILATIONS: Final = (9, 3, 1)
_DROPOUT: Final = 0.2
AXES: Final = 3
"""Channels of a joint's position: x, y, z."""


class LeadingZeros(nn.Module):
    """Two frames of zeros before the first."""

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 2, 0))


class CausalConvolution(nn.Conv2d):
    """A convolution over three frames, `dilation` apart, behind zeros."""

    def __init__(self, channels_in: int, channels_out: int, dilation: int = 1) -> None:
        super().__init__(channels_in, channels_out, (3, 1), dilation=(dilation, 1))
        self.zeros = 2 * dilation

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 0, self.zeros, 0)))


class ResidualBlock(nn.Module):
    """x + conv1(SiLU(conv3(SiLU(x)))), with dropout on the added part in training."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = CausalConvolution(width, width, dilation)
        self.conv2 = nn.Conv2d(width, width, 1)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.dropout(self.conv2(F.silu(self.conv1(F.silu(x)))))
        return x + added  # (b, c, T, j)


class DoubledFrames(nn.Module):
    """Every frame twice, then a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = CausalConvolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x.repeat_interleave(2, dim=2))
        return out  # (b, c, 2 T, j)


def _residual_blocks(width: int) -> list[nn.Module]:
    return [ResidualBlock(width, dilation) for dilation in _DILATIONS]


class Encoder(nn.Module):
    """(b, 3, T, j) to (b, latent, T // 4, j)."""

    def __init__(self, width: int, latent_size: int) -> None:
        super().__init__()
        self.conv_in = CausalConvolution(AXES, width)
        halves = ([LeadingZeros(), nn.Conv2d(width, width, (4, 1), (2, 1)), *_residual_blocks(width)] for _ in range(2))
        self.model = nn.Sequential(*(layer for half in halves for layer in half))
        self.conv_out = CausalConvolution(width, latent_size)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_out(self.model(self.conv_in(x)))
        return out


class Decoder(nn.Module):
    """(b, latent, t, j) to (b, 3, 4 t, j)."""

    def __init__(self, width: int, latent_size: int) -> None:
        super().__init__()
        self.conv_in = CausalConvolution(latent_size, width)
        doubles = ([*_residual_blocks(width), DoubledFrames(width)] for _ in range(2))
        self.model = nn.Sequential(*(layer for double in doubles for layer in double))
        self.conv_out1 = CausalConvolution(width, width)
        self.conv_out2 = CausalConvolution(width, AXES)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv_out2(F.silu(self.conv_out1(self.model(self.conv_in(x)))))
        return out


class CausalAutoencoder(nn.Module):
    """The published autoencoder "2D causal"; the sizes of its checkpoint are the defaults."""

    def __init__(self, width: int = 512, latent_size: int = 4) -> None:
        super().__init__()
        self.encoder = Encoder(width, latent_size)
        self.decoder = Decoder(width, latent_size)

    def encode(self, motion: Tensor) -> Tensor:
        """Normalised joints (b, T, j, 3), at least 4 frames, to latents (b, latent, T // 4, j)."""
        whole = motion.shape[1] // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
        latents: Tensor = self.encoder(motion[:, :whole].permute(0, 3, 1, 2))
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (b, latent, t, j) to normalised joints (b, 4 t, j, 3)."""
        motion: Tensor = self.decoder(latents)
        return motion.permute(0, 2, 3, 1)
