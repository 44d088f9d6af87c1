"""Shared by the tests: tiny networks with random weights, and a way to run the command as users do."""

import os

# The tests' networks are so small that handing work to other threads takes longer than the work: set before torch is
# imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mardm_batch.features import joints_to_features
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import save_embedded
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer
from mardm_batch.model.words import WordEncoder, build_vocabulary
from mardm_batch.training.posing import pose

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Whichever tests ran before in the process."""
    torch.manual_seed(0)


def save_tiny(path: Path, mean: torch.Tensor, deviation: float) -> Path:
    """An embedded model of random weights, whose features have this mean and deviation."""
    torch.manual_seed(0)
    sizes = MardmSizes(latent=8, text=16, width=16, layers=1, heads=2, mlp_width=32, head_width=24, head_blocks=1)
    network = MaskedTransformer(sizes)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    words = WordEncoder(build_vocabulary(["arms raised sitting"], 10), size=16, width=16, layers=1, heads=2)
    save_embedded(path, Autoencoder(67, 16, 8), network, words, mean, torch.full_like(mean, deviation))
    return path


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that samples in milliseconds: people who stand, each a little differently."""
    standing = torch.from_numpy(joints_to_features(pose({})[None])[0])
    return save_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors", standing, 0.1)


@pytest.fixture(scope="session")
def shapeless_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, whose joints make no person."""
    return save_tiny(tmp_path_factory.mktemp("weights") / "shapeless.safetensors", torch.zeros(67), 1.0)


def run_command(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`python -m mardm_batch …` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mardm_batch", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=300,
    )


@pytest.fixture
def run(tmp_path: Path, tiny_weights: Path) -> Run:
    """The command with the tiny model, without tracking, in an empty folder."""

    def with_tiny_model(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        settings = (f"model.weights={tiny_weights}", "tracking.mode=disabled")
        return run_command(*settings, *arguments, cwd=tmp_path, **environment)

    return with_tiny_model
