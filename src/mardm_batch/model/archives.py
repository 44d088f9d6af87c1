"""The files of a published model, by their roles. Knows nothing of what is in them; no torch here."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PublishedFiles:
    """The files that a published model is loaded from. An archive may be missing where its slim copy exists."""

    autoencoder: Path
    network: Path
    mean: Path
    std: Path


def slim_copy(archive: Path) -> Path:
    """The path of an archive's slim copy, which holds the weights that are needed."""
    return archive.with_suffix(".slim.safetensors")
