"""Motion to latent tokens and back. Axes: b batch, f features, T frames, c channels, t tokens (T = 4 t).

Convolutions over time with a stride of 4 frames per token (Meng et al., CVPR 2025, arXiv 2411.16575). Module
attributes carry the names of the published checkpoint (`encoder.model.…`, `decoder.model.…`).
"""

from typing import Final

from torch import Tensor, nn

from mardm_batch.pose.features import FEATURE_SIZE

_DILATIONS: Final = (9, 3, 1)
_DROPOUT: Final = 0.2


def _convolution(channels_in: int, channels_out: int) -> nn.Conv1d:
    return nn.Conv1d(channels_in, channels_out, 3, padding=1)


class ResidualBlock(nn.Module):
    """x + conv1x1(ReLU(conv3(ReLU(x)))), with dropout on the added part in training."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.dropout(self.conv2(self.conv1(x.relu()).relu()))
        return x + added  # (b, c, T)


class ResidualStack(nn.Module):
    """Residual blocks whose dilations shrink: 9, 3, 1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.model = nn.Sequential(*(ResidualBlock(width, dilation) for dilation in _DILATIONS))

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.model(x)
        return refined  # (b, c, T)


class Encoder(nn.Module):
    """(b, f, T) to (b, latent, T / 4)."""

    def __init__(self, feature_size: int, width: int, latent_size: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            _convolution(feature_size, width),
            nn.ReLU(),
            nn.Sequential(nn.Conv1d(width, width, 4, stride=2, padding=1), ResidualStack(width)),
            nn.Sequential(nn.Conv1d(width, width, 4, stride=2, padding=1), ResidualStack(width)),
            _convolution(width, latent_size),
        )


class Decoder(nn.Module):
    """(b, latent, t) to (b, f, 4 t)."""

    def __init__(self, feature_size: int, width: int, latent_size: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            _convolution(latent_size, width),
            nn.ReLU(),
            nn.Sequential(ResidualStack(width), nn.Upsample(scale_factor=2), _convolution(width, width)),
            nn.Sequential(ResidualStack(width), nn.Upsample(scale_factor=2), _convolution(width, width)),
            _convolution(width, width),
            nn.ReLU(),
            _convolution(width, feature_size),
        )


class Autoencoder(nn.Module):
    """The published autoencoder; the sizes of the published HumanML3D checkpoint are the defaults.

    `latent_size` is the number of channels of a token, `width` that of the layers between.
    """

    def __init__(self, feature_size: int = FEATURE_SIZE, width: int = 512, latent_size: int = 512) -> None:
        super().__init__()
        self.sizes = {"feature_size": feature_size, "width": width, "latent_size": latent_size}
        self.encoder = Encoder(feature_size, width, latent_size)
        self.decoder = Decoder(feature_size, width, latent_size)

    def encode(self, motion: Tensor) -> Tensor:
        """Normalised features (b, T, f), T a multiple of 4, to latents (b, latent, T / 4)."""
        latents: Tensor = self.encoder.model(motion.transpose(1, 2))
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (b, latent, t) to normalised features (b, 4 t, f)."""
        motion: Tensor = self.decoder.model(latents)
        return motion.transpose(1, 2)

    def forward(self, motion: Tensor) -> Tensor:
        """The reconstruction (b, T, f) of normalised features (b, T, f), as the training loss needs it."""
        return self.decode(self.encode(motion))
