"""What several tests share: the conformance set, tiny models, and a way to run the command as users do."""

import contextlib
import io
import json
import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mardm_batch.cli import main
from mardm_batch.model.acmdm_transformer import AcmdmSizes
from mardm_batch.model.autoencoder import Autoencoder
from mardm_batch.model.checkpoint import LoadedModel, load_published, save_embedded
from mardm_batch.model.transformer import MardmSizes, MaskedTransformer
from mardm_batch.model.words import WordEncoder, build_vocabulary
from mardm_batch.sampling.models.published_files import find_published

CONFORMANCE = Path(os.environ.get("MARDM_CONFORMANCE_DIR", Path(__file__).parent / "conformance"))
ACMDM_CONFORMANCE = Path(os.environ.get("ACMDM_CONFORMANCE_DIR", Path(__file__).parent / "conformance_acmdm"))
TINY_WIDTH = 32
"""Of the tiny autoencoder."""
ACMDM_WIDTH = 32
"""Of the tiny autoencoder of ACMDM."""


class NoText:
    """Stands where a text encoder is asked for and captions are not."""

    size = 512

    def encode(self, captions: list[str]) -> Tensor:
        return torch.zeros(len(captions), self.size)


def tiny_sizes(flow: str) -> MardmSizes:
    return MardmSizes(latent=32, width=64, layers=1, heads=4, mlp_width=128, head_width=48, head_blocks=2, flow=flow)


def copy_published(folder: Path) -> Path:
    """The published layout of MARDM, writable, in `folder`."""
    return copy_layout(CONFORMANCE, ("checkpoints", "datasets"), folder)


def copy_acmdm(folder: Path) -> Path:
    """The published layout of ACMDM, writable, in `folder`."""
    return copy_layout(ACMDM_CONFORMANCE, ("checkpoints", "utils"), folder)


def copy_layout(conformance: Path, parts: Sequence[str], folder: Path) -> Path:
    for part in parts:
        for source in (conformance / part).rglob("*.*"):
            target = folder / source.relative_to(conformance)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return folder


def acmdm_sizes(kind: str) -> AcmdmSizes:
    """Of the tiny ACMDM networks: Flow, Raw (joints instead of latents) or PS2 (two joints a token)."""
    width = 128 if kind == "Flow" else 64
    raw = {"channels": 3, "longest": 196} if kind == "Raw" else {}
    patch = 2 if kind == "PS2" else 22
    return AcmdmSizes(width=width, layers=2, feed_forward=170 if kind == "Flow" else 106, patch=patch, **raw)


def load_tiny(folder: Path, flow: str) -> LoadedModel:
    """The tiny model of `flow` from a folder made by `copy_published`."""
    name = {"sit": "MARDM_SiT_tiny", "ddpm": "MARDM_DDPM_tiny"}[flow]
    return load_published(find_published(name, folder, folder), tiny_sizes(flow), TINY_WIDTH, NoText())


TINY = {
    "autoencoder_width": 32,
    "latent": 32,
    "text": 512,
    "width": 64,
    "layers": 1,
    "heads": 4,
    "mlp_width": 128,
    "head_width": 48,
    "head_blocks": 2,
}


TINY_SIT = ["model=mardm_sit_xl", "model.name=MARDM_SiT_tiny", *(f"model.network.{k}={v}" for k, v in TINY.items())]


TINY_DDPM = ["model=mardm_ddpm_xl", "model.name=MARDM_DDPM_tiny", *TINY_SIT[2:]]


def tiny_acmdm(kind: str) -> list[str]:
    """Settings of the tiny ACMDM networks."""
    sizes = acmdm_sizes(kind)
    name = {"Flow": "ACMDM_Flow_tiny", "Raw": "ACMDM_Raw_Flow_tiny", "PS2": "ACMDM_Flow_PS2_tiny"}[kind]
    network = [
        f"model.network.{key}={getattr(sizes, key)}" for key in ("width", "layers", "feed_forward", "patch", "text")
    ]
    latent = [] if kind == "Raw" else [f"model.network.autoencoder_width={ACMDM_WIDTH}"]
    stats = "model.stats=utils/22x3_mean_std/t2m"
    return [f"model=acmdm_{'raw' if kind == 'Raw' else 'flow'}_s", f"model.name={name}", stats, *network, *latent]


def write_tokenizer(folder: Path) -> int:
    """CLIP's byte-level alphabet with a few merges; returns the size of the vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (chr(256 + number) for number in range(256 - len(printable)))
    letters = [*map(chr, printable), *others]
    merges = [("s", "i"), ("t", "s</w>"), ("a", "r"), ("si", "ts</w>")]
    words = [*letters, *(letter + "</w>" for letter in letters), *("".join(merge) for merge in merges)]
    vocabulary = [*words, "<|startoftext|>", "<|endoftext|>"]
    numbered = {word: number for number, word in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(numbered), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(vocabulary)


def write_captions(folder: Path, captions: list[str], name: str = "captions.txt") -> str:
    (folder / name).write_text("\n".join(captions), encoding="utf-8")
    return f"paths.prompts={name}"


def wait_until(condition: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def assert_whole(folder: Path, captions: list[str]) -> None:
    """Every caption has its three valid files once, and nothing else is there."""
    documents = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]
    assert sorted(document["caption"] for document in documents) == sorted(captions)
    for document in documents:
        joints = np.load(folder / f"{document['name']}.npy")
        assert (joints.shape, joints.dtype) == ((22, 3), np.float32)
        assert np.isfinite(joints).all()
        assert np.array_equal(np.array(document["joints"]), joints)
        assert np.abs(joints[0, [0, 2]]).max() < 1e-6
        with Image.open(folder / f"{document['name']}.png") as picture:
            picture.load()
            assert picture.size == (1200, 1200)
            assert picture.info["dpi"] == pytest.approx((150, 150), abs=0.1)
    visible = [path for path in folder.iterdir() if not path.name.startswith(".")]
    lists = {"metadata.jsonl", "README.md", "failures.jsonl"}
    assert len([path for path in visible if path.name not in lists]) == 3 * len(captions)
    listed = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert sorted(row["caption"] for row in listed) == sorted(captions)


FEW_WORDS = ["a person arms raised sitting"]


def save_tiny(path: Path, mean: torch.Tensor, deviation: float, captions: Sequence[str] = FEW_WORDS) -> Path:
    """An embedded model of random weights, whose features have this mean and deviation, and which reads the words of
    these captions."""
    torch.manual_seed(0)
    sizes = MardmSizes(latent=8, text=16, width=16, layers=1, heads=2, mlp_width=32, head_width=24, head_blocks=1)
    network = MaskedTransformer(sizes)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    words = WordEncoder(build_vocabulary(captions, 5000), size=16, width=16, layers=1, heads=2)
    save_embedded(path, Autoencoder(67, 16, 8), network, words, mean, torch.full_like(mean, deviation))
    return path


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


def run_in_process(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """As `run_command`, but in this process, which has imported what takes a new one seconds."""
    context = writer_context()
    with pytest.MonkeyPatch.context() as patch:
        methods = SimpleNamespace(set_start_method=lambda *_, **__: None, get_context=lambda _: context)
        patch.setattr("mardm_batch.system.workers.multiprocessing", methods)
        return call_in_process(main, arguments, cwd, environment)


@cache
def writer_context() -> multiprocessing.context.BaseContext:
    """Starts the workers of commands in this process: by a fork server, which has imported what writers need."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.writer_server"])
    with contextlib.chdir(Path(__file__).parents[1]):
        forkserver.ensure_running()
    return context


def call_in_process(
    command: Callable[[], object], arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Call the main function of a command that Hydra runs, as if it were a process of its own."""
    words, root = [str(each) for each in arguments], logging.getLogger()
    level, handlers, raising = root.level, root.handlers[:], logging.raiseExceptions
    out, errors = io.StringIO(), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["mardm-batch", *words])
        patch.setenv("HYDRA_FULL_ERROR", "1")  # set by the command; here it is restored
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            command()
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            for handler in set(root.handlers) - set(handlers):
                handler.close()
            root.handlers[:], root.level, logging.raiseExceptions = handlers, level, raising
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), errors.getvalue())


def sweep_in_process(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A sweep whose runs are no processes of their own: what its settings give, one run after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mardm_batch.launch.engines.ENGINES", {})
        return run_in_process("--multirun", "hydra/launcher=basic", *arguments, cwd=cwd, **environment)


Run = Callable[..., "subprocess.CompletedProcess[str]"]
"""The command with a tiny model: the fixture `run`, or `run_apart` in a process of its own."""
