"""The captions of an evaluation, each with the conditions that its poses should meet."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np

from mardm_batch.library.caption_conditions import read_captions
from mardm_batch.library.library import Sample, load_library
from mardm_batch.pose.conditions import Condition, bundled_conditions, parse

LIBRARY_SEED = 20_000_003
"""Seed of the captions that are composed for an evaluation; no training draws its clips with it."""


@dataclass(frozen=True)
class EvaluationSet:
    """Captions with the conditions of each."""

    conditions: Mapping[str, tuple[Condition, ...]]
    held_out: Mapping[str, int] = field(default_factory=dict)
    """Number of captions by what about them is held out of training; empty for captions that are not composed."""
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By which captions are scored apart too: their group and number of demands, where their file has them."""

    def first(self, limit: int | None) -> "EvaluationSet":
        """The first `limit` captions; all of them without a limit."""
        return replace(self, conditions=dict(islice(self.conditions.items(), limit)))


def load_captions(file: Path | None, library: int | None) -> EvaluationSet:
    """The captions of a YAML file, else `library` held-out ones of the pose library, else the bundled list.

    Raises:
        InputError: the file cannot be read, or a condition is not understood.
    """
    if file is not None:
        captions = read_captions(file)
        return EvaluationSet(
            conditions={caption: entry.conditions for caption, entry in captions.items()},
            labels={caption: entry.labels for caption, entry in captions.items()},
        )
    if library is None:
        return EvaluationSet(bundled_conditions())
    samples = held_out_samples(library)
    conditions = {sample.caption: tuple(map(parse, sample.conditions)) for sample in samples}
    return EvaluationSet(conditions, Counter(sorted(kind for sample in samples for kind in sample.held_out)))


def held_out_samples(count: int) -> list[Sample]:
    """Samples of the pose library that are held out of training, with conditions and different captions."""
    rng, library = np.random.default_rng(LIBRARY_SEED), load_library()
    samples: dict[str, Sample] = {}
    while len(samples) < count:
        sample = library.sample(rng, 1, held_out=True)
        if sample.conditions:
            samples[sample.caption] = sample
    return list(samples.values())
