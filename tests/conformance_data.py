"""The conformance set (see `conformance/README.md`) and the tiny published models that are part of it."""

import os
import shutil
from pathlib import Path

import torch
from torch import Tensor

from mardm_batch.model.checkpoint import LoadedModel, load_published
from mardm_batch.model.published import find_published
from mardm_batch.model.transformer import MardmSizes

CONFORMANCE = Path(os.environ.get("MARDM_CONFORMANCE_DIR", Path(__file__).parent / "conformance"))
TINY_WIDTH = 32
"""Of the tiny autoencoder."""


class NoText:
    """Stands where a text encoder is asked for and captions are not."""

    size = 512

    def encode(self, captions: list[str]) -> Tensor:
        return torch.zeros(len(captions), self.size)


def tiny_sizes(flow: str) -> MardmSizes:
    return MardmSizes(latent=32, width=64, layers=1, heads=4, mlp_width=128, head_width=48, head_blocks=2, flow=flow)


def copy_published(folder: Path) -> Path:
    """The published layout, writable, in `folder`."""
    for part in ("checkpoints", "datasets"):
        for source in (CONFORMANCE / part).rglob("*.*"):
            target = folder / source.relative_to(CONFORMANCE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return folder


def load_tiny(folder: Path, flow: str) -> LoadedModel:
    """The tiny model of `flow` from a folder made by `copy_published`."""
    name = {"sit": "MARDM_SiT_tiny", "ddpm": "MARDM_DDPM_tiny"}[flow]
    return load_published(find_published(name, folder, folder), tiny_sizes(flow), TINY_WIDTH, NoText())
