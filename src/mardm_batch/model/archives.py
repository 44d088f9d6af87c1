"""The files of published models, by their roles. Knows nothing of what is in them; no torch here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PublishedFiles:
    """The files that a published MARDM is loaded from. An archive may be missing where its slim copy exists."""

    autoencoder: Path
    network: Path
    mean: Path
    std: Path

    @property
    def archives(self) -> list[Path]:
        """The archives among them, the network's first."""
        return [self.network, self.autoencoder]


@dataclass(frozen=True)
class LatentFiles:
    """The files of ACMDM's autoencoder: its archive, and the statistics of its latents."""

    autoencoder: Path
    mean: Path
    std: Path


@dataclass(frozen=True)
class AcmdmFiles:
    """The files that a published ACMDM is loaded from. An archive may be missing where its slim copy exists."""

    network: Path
    latents: LatentFiles | None
    """None where the network makes joints."""
    mean: Path | None = None
    std: Path | None = None
    """Of the joints; None: the published ones."""

    @property
    def archives(self) -> list[Path]:
        """The archives among them, the network's first."""
        return [self.network] if self.latents is None else [self.network, self.latents.autoencoder]


def slim_copy(archive: Path, averaged: bool = True) -> Path:
    """The path of an archive's slim copy, which holds the weights that are needed: averaged ones, or raw ones."""
    return archive.with_suffix(".slim.safetensors" if averaged else ".raw.slim.safetensors")
