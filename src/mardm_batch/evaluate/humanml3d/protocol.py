"""The protocol: repetitions in which a model makes a clip of each recording's caption, and both are scored."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.config.schema import Config
from mardm_batch.dataset.records import Failure
from mardm_batch.errors import InputError
from mardm_batch.evaluate.humanml3d.metrics import (
    POOL,
    diversity,
    frechet_distance,
    half_width,
    multimodality,
    retrieval,
)
from mardm_batch.evaluate.humanml3d.recordings import SHORTEST, Draw, read_split
from mardm_batch.evaluate.humanml3d.words import load_word_vectors
from mardm_batch.pose.humanml3d import humanml3d_features
from mardm_batch.prompts.names import Prompt
from mardm_batch.sampling.batching import sample_poses
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import counted

if TYPE_CHECKING:
    from mardm_batch.evaluate.humanml3d.networks import Evaluator
    from mardm_batch.sampling.sampler import PoseSampler

MEASURES: Final = ("fid", "r_precision_1", "r_precision_2", "r_precision_3", "multimodal_distance", "diversity")
"""Of generated clips and of recordings."""
MULTIMODALITY: Final = "multimodality"
"""Of generated clips alone: a recording is one for its caption."""
GENERATIONS: Final = 30
"""Clips of a caption among which its multimodality is measured."""
Values = NDArray[np.float64]
"""(6,): those of `MEASURES`."""


@dataclass(frozen=True)
class Measure:
    """The mean of the repetitions, and half of its 95 % interval."""

    mean: float
    half_width: float


@dataclass(frozen=True)
class ProtocolScores:
    """Of the model's clips and, in the same way, of the recordings."""

    clips: int
    """In a repetition; a multiple of the pool."""
    repetitions: int
    unusable: int
    """Recordings of the list that are missing or cannot be read."""
    features: int
    """Of a frame, that the evaluator was made for."""
    generated: Mapping[str, Measure]
    recorded: Mapping[str, Measure]

    def to_json(self) -> dict[str, Any]:
        return {"protocol": "humanml3d", **asdict(self)}


@dataclass(frozen=True)
class ProtocolFiles:
    """Folders of the data set, of the evaluator, of its word vectors and, where it is another, of its statistics."""

    dataset: Path
    evaluator: Path
    glove: Path
    statistics: Path | None = None


def evaluate_by_protocol(
    config: Config, files: ProtocolFiles, repetitions: int, multimodal_captions: int, report: Callable[[str], None]
) -> ProtocolScores:
    """Score the model that the settings name; `report` is called with what is done next.

    Every repetition has other seeds, draws and pairs.

    Args:
        multimodal_captions: of a repetition, for multimodality; 0: it is not measured.

    Raises:
        InputError: a file is missing or broken, or a clip cannot be sampled.
    """
    report("reading the test split and the evaluator")
    split, words = read_split(files.dataset), load_word_vectors(files.glove)
    clips = len(split.recordings) // POOL * POOL
    clips = clips if config.limit is None else min(clips, config.limit // POOL * POOL)
    if clips < POOL:
        raise InputError(
            f"{files.dataset}: {counted(len(split.recordings), 'recording')}"
            + ("" if config.limit is None else f", limit={config.limit}")
            + f"; R-precision needs {POOL} or more"
        )
    from mardm_batch.evaluate.humanml3d.networks import load_evaluator  # imports torch
    from mardm_batch.sampling.sampler import load_sampler

    settings = replace(config.sampling, sequence_length=SHORTEST, frame_index=None)
    sampler = load_sampler(
        replace(config, sampling=settings, output=replace(config.output, clip=True)),
        config.cpu_threads or available_cores(),
    )
    evaluator = load_evaluator(files.evaluator, files.statistics, words, sampler.model.device)
    values: list[tuple[Values, Values]] = []
    spreads: list[float] = []
    for number in range(repetitions):
        report(f"sampling {counted(clips, 'clip')}, repetition {number + 1} of {repetitions}")
        rng = np.random.default_rng((config.seed, number))
        draws, others = (split.draw(rng)[:clips] for _ in range(2))
        sampler.seed = config.seed + number
        values.append(score(evaluator, draws, others, generate_clips(sampler, draws), rng))
        if multimodal_captions:
            chosen = draws[:multimodal_captions]
            report(f"sampling {GENERATIONS} clips of {counted(len(chosen), 'caption')} for multimodality")
            spreads.append(multimodality(embed_generations(evaluator, sampler, chosen), rng))
    generated, recorded = (np.array([each[place] for each in values]) for place in (0, 1))
    scores = summary(generated, MEASURES)
    if spreads:
        scores |= summary(np.array(spreads)[:, None], (MULTIMODALITY,))
    return ProtocolScores(clips, repetitions, split.unusable, evaluator.features, scores, summary(recorded, MEASURES))


def summary(values: NDArray[np.float64], names: Sequence[str]) -> dict[str, Measure]:
    """Of repetitions (r, names)."""
    means, widths = values.mean(axis=0), half_width(values)
    return {name: Measure(float(means[k]), float(widths[k])) for k, name in enumerate(names)}


def embed_generations(evaluator: "Evaluator", sampler: "PoseSampler", draws: Sequence[Draw]) -> NDArray[np.float32]:
    """Embeddings (n, GENERATIONS, d) of clips for the caption of each draw, all as long as the draw.

    Raises:
        InputError: a clip cannot be sampled.
    """
    embeddings = []
    for start in range(0, len(draws), POOL):  # a pool's clips take 200 MB
        repeated = [draw for draw in draws[start : start + POOL] for _ in range(GENERATIONS)]
        embedded = embed(evaluator.embed_clips, generate_clips(sampler, repeated))
        embeddings.append(embedded.reshape(-1, GENERATIONS, embedded.shape[-1]))
    return np.concatenate(embeddings)


def score(
    evaluator: "Evaluator",
    draws: Sequence[Draw],
    others: Sequence[Draw],
    clips: Sequence[NDArray[np.float32]],
    rng: np.random.Generator,
) -> tuple[Values, Values]:
    """The measures of generated clips (their features) and of the recordings.

    Args:
        others: another draw, by which the recordings' own FID is measured.
    """
    texts = embed(evaluator.embed_captions, [draw.description.tokens for draw in draws])
    recorded, again, generated = (
        embed(evaluator.embed_clips, each)
        for each in ([draw.features for draw in draws], [draw.features for draw in others], clips)
    )
    found = []
    for embeddings, reference in ((generated, recorded), (recorded, again)):
        precision, distance = retrieval(texts, embeddings)
        spread = diversity(embeddings, rng)
        found.append(np.array([frechet_distance(reference, embeddings), *precision, distance, spread]))
    return found[0], found[1]


def embed(network: Callable[[Sequence[Any]], NDArray[np.float32]], inputs: Sequence[Any]) -> NDArray[np.float32]:
    """Embeddings (n, d), pool after pool."""
    return np.concatenate([network(inputs[start : start + POOL]) for start in range(0, len(inputs), POOL)])


def generate_clips(sampler: "PoseSampler", draws: Sequence[Draw]) -> list[NDArray[np.float32]]:
    """The features of a clip for each draw's caption, as long as the draw's.

    Raises:
        InputError: a clip cannot be sampled.
    """
    times: Counter[str] = Counter()
    prompts = []
    for place, draw in enumerate(draws):
        caption = draw.description.caption
        times[caption] += 1
        prompts.append(Prompt(str(place), caption, number=times[caption], frames=len(draw.features)))
    clips = [np.zeros((0, 0), np.float32)] * len(draws)
    for result in sample_poses(prompts, sampler, lambda seconds, device, memory: None):
        if isinstance(result, Failure):
            raise InputError(f"no clip of {result.caption!r}: {result.error}")
        assert result.clip is not None
        clips[int(result.prompt.name)] = humanml3d_features(result.clip)
    if not all(map(len, clips)):
        raise InputError("sampling stopped before every caption had its clip")
    return clips
