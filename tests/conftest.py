"""Shared by the tests: tiny networks with random weights, and a way to run the command as users do."""

import os

from mardm_batch.prompts.prompt_list import bundled_prompts, read_prompts

# The tests' networks are so small that handing work to other threads takes longer than the work: set before torch is
# imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from functools import partial
from pathlib import Path

import pytest
import torch
from tests.support import Run, run_command, run_in_process, save_tiny, write_tokenizer

from mardm_batch.library.posing import pose
from mardm_batch.pose.features import joints_to_features


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in `e2e/` runs whole commands."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(autouse=True)
def same_random_numbers() -> None:
    """Whichever tests ran before in the process."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that samples in milliseconds: people who stand, each a little differently."""
    standing = torch.from_numpy(joints_to_features(pose({})[None])[0])
    return save_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors", standing, 0.1)


@pytest.fixture(scope="session")
def fluent_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, which reads the words of the composed captions."""
    captions = [prompt.caption for prompt in read_prompts(bundled_prompts().with_name("static_poses_10k.md")).prompts]
    standing = torch.from_numpy(joints_to_features(pose({})[None])[0])
    return save_tiny(tmp_path_factory.mktemp("weights") / "fluent.safetensors", standing, 0.1, captions)


@pytest.fixture(scope="session")
def shapeless_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, whose joints make no person."""
    return save_tiny(tmp_path_factory.mktemp("weights") / "shapeless.safetensors", torch.zeros(67), 1.0)


@pytest.fixture
def run(tmp_path: Path, tiny_weights: Path) -> Run:
    """The command with the tiny model, without tracking, in an empty folder; in the process of the tests."""
    settings = (f"model.weights={tiny_weights}", "tracking.mode=disabled", "cpu_threads=1")
    return partial(run_in_process, *settings, cwd=tmp_path)


@pytest.fixture
def run_apart(tmp_path: Path, tiny_weights: Path) -> Run:
    """The same in a process of its own, as users run it."""
    settings = (f"model.weights={tiny_weights}", "tracking.mode=disabled", "cpu_threads=1")
    return partial(run_command, *settings, cwd=tmp_path)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random CLIP text tower with embeddings of 512, in a local folder."""
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

    folder = tmp_path_factory.mktemp("clip")
    vocabulary = write_tokenizer(folder)
    CLIPTokenizer.from_pretrained(str(folder)).save_pretrained(str(folder))
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=512,
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )
    CLIPTextModelWithProjection(config).save_pretrained(str(folder))
    return folder
