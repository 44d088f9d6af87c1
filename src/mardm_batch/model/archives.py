"""The files of a published model, by their roles. Knows nothing of what is in them; no torch here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PublishedFiles:
    """What a published model is loaded from. An archive may be gone where its slim copy is there."""

    autoencoder: Path
    network: Path
    mean: Path
    std: Path


def slim_copy(archive: Path) -> Path:
    """Where the part of an archive that is needed is kept."""
    return archive.with_suffix(".slim.safetensors")
