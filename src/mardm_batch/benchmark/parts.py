"""Parts of the main path beside the usual way to do them: pictures, text encoder; and what approximations cost.

Axis: b captions.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mardm_batch.config.schema import Config
from mardm_batch.model.text import CLIP_TOKENS, ClipTextEncoder
from mardm_batch.pose.geometry import Joints, canonical_position
from mardm_batch.pose.skeleton import KINEMATIC_CHAINS
from mardm_batch.render.renderer import DPI, SIZE
from mardm_batch.render.theme import RenderSettings
from mardm_batch.sampling.sampler import load_sampler
from mardm_batch.system.files import write_atomically

Numbers = Iterator[tuple[str, float]]
"""Keys of the benchmark's JSON with their values, as they are measured."""

PUBLISHED_BATCH = 8
"""Captions at once in the published program."""


def pictures(settings: RenderSettings, joints: Joints, captions: Sequence[str], naive: int, folder: Path) -> Numbers:
    """Milliseconds a picture (median), write included, on one core: of `naive` poses the usual way, of all ours."""

    def timed(draw_and_write: Callable[[int, Path], None], count: int) -> float:
        seconds = []
        for number in range(count):
            started = time.perf_counter()
            draw_and_write(number, folder / f"{number}.png")
            seconds.append(time.perf_counter() - started)
        return 1000 * median(seconds)

    renderer = settings.renderer()

    def ours(number: int, path: Path) -> None:
        write_atomically(path, renderer.draw(joints[number], captions[number]))

    def usual(number: int, path: Path) -> None:
        draw_naively(joints[number], captions[number], path)

    ours(0, folder / "0.png")  # the background and the fonts are made once for each process
    milliseconds = timed(ours, len(joints))
    yield "render.ms", milliseconds
    yield "render.largest_kb", max(path.stat().st_size for path in folder.glob("*.png")) / 1000
    usual(0, folder / "0.png")
    naive_milliseconds = timed(usual, naive)
    yield "render.naive_ms", naive_milliseconds
    yield "render.speedup", naive_milliseconds / milliseconds


def draw_naively(joints: NDArray[np.float32], caption: str, path: Path) -> None:
    """What most programs do: a new matplotlib figure with 3D axes for each pose, and savefig."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE / DPI, SIZE / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot(projection="3d")
    for chain, colour in zip(KINEMATIC_CHAINS.values(), ("red", "blue", "black", "orange", "green"), strict=True):
        x, y, z = joints[list(chain)].T
        axes.plot(x, z, y, color=colour, linewidth=3)
    x, y, z = joints.T
    axes.scatter(x, z, y, color="black", s=12)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(0, 2), title=caption)
    figure.savefig(path)


def text_encoder(captions: Sequence[str], naive: int, device: str) -> Numbers:
    """Milliseconds a caption by CLIP's text tower at its published size with random weights: in batches padded to its
    longest text, of `naive` captions, and as `ClipTextEncoder` does it, of all. Nothing without transformers."""
    try:
        transformers: Any = import_module("transformers")
    except ImportError:
        return
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    tower = transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(eos_token_id=WordTokens.end))
    tokenizer = WordTokens()
    encoder = ClipTextEncoder(tokenizer, tower, device)

    @torch.inference_mode()
    def padded(some: Sequence[str]) -> None:
        for start in range(0, len(some), PUBLISHED_BATCH):
            tokens = tokenizer(some[start : start + PUBLISHED_BATCH])["input_ids"]
            rows = [row + [0] * (CLIP_TOKENS - len(row)) for row in tokens]
            tower(input_ids=torch.tensor(rows, device=device)).text_embeds.cpu()

    def timed(encode: Callable[[Sequence[str]], object], some: Sequence[str]) -> float:
        encode(some[:1])
        started = time.perf_counter()
        encode(some)
        return 1000 * (time.perf_counter() - started) / len(some)

    yield "text.clip.naive_ms", (naive_milliseconds := timed(padded, captions[:naive]))
    yield "text.clip.ms", (milliseconds := timed(lambda some: encoder.encode(some).cpu(), captions))
    yield "text.clip.speedup", naive_milliseconds / milliseconds


class WordTokens:
    """A tokenizer that makes a token of every word: as long as CLIP's own texts, whose vocabulary is not at hand."""

    start, end = 49406, 49407

    def __call__(
        self, captions: Sequence[str], truncation: bool = True, max_length: int = CLIP_TOKENS
    ) -> Mapping[str, list[list[int]]]:
        """As transformers' tokenizers are called."""
        texts = [[sum(map(ord, word)) % self.start for word in caption.split()] for caption in captions]
        return {"input_ids": [[self.start, *words[: max_length - 2], self.end] for words in texts]}


def embedded_model(config: Config, captions: Sequence[str], threads: int) -> Numbers:
    """The embedded model: milliseconds a pose, and how far (mm, mean over joints) a pose is from dopri5's, and from
    float32's with bfloat16."""
    sampler = load_sampler(config, threads)
    sampler.sample(captions[:1], [0])
    started = time.perf_counter()
    for start in range(0, len(captions), sampler.largest_batch):
        some = captions[start : start + sampler.largest_batch]
        sampler.sample(some, [0] * len(some))
    yield "sampler.embedded.ms_per_pose", 1000 * (time.perf_counter() - started) / len(captions)

    poses = sample_poses(config, captions, threads)
    published = replace(config, model=replace(config.model, solver="dopri5", solver_steps=None))
    yield "sampler.embedded.dopri5_error_mm", error_mm(poses, sample_poses(published, captions, threads))
    rounded = replace(config, sampling=replace(config.sampling, precision="bfloat16"))
    yield "sampler.embedded.bfloat16_error_mm", error_mm(poses, sample_poses(rounded, captions, threads))


def error_mm(poses: Joints, others: Joints) -> float:
    """Mean distance of a joint between poses (b, 22, 3), millimetres."""
    return 1000 * float(np.linalg.norm(poses - others, axis=-1).mean())


def sample_poses(config: Config, captions: Sequence[str], threads: int) -> Joints:
    """Poses (b, 22, 3) of the embedded model, sampled all at once."""
    sampler = load_sampler(config, threads)
    return canonical_position(sampler.sample(captions, [0] * len(captions))[:, sampler.frame_index])
