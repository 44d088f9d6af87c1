"""The measures of HumanML3D's protocol, on embeddings of clips and captions. Axes: n clips, d channels."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.floating]

POOL: Final = 32
"""Clips among which the one of a caption is searched."""
TOP: Final = 3
"""Ranks up to which R-precision is measured."""
PAIRS: Final = 300
"""Pairs of clips between which diversity is measured."""
PAIRS_OF_A_CAPTION: Final = 10
"""Pairs of clips of one caption between which multimodality is measured."""
_NORMAL_95: Final = 1.96
"""Standard deviations within which 95 % of a normal distribution lie."""


def frechet_distance(first: Embeddings, second: Embeddings) -> float:
    """The Fréchet distance of the normal distributions that fit embeddings (n, d) and (m, d) best: the FID."""
    means = [each.mean(axis=0, dtype=np.float64) for each in (first, second)]
    left, right = (np.cov(each.astype(np.float64), rowvar=False) for each in (first, second))
    # The trace of the root of left @ right is that of the symmetric root(left) @ right @ root(left).
    values, vectors = np.linalg.eigh(left)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ right @ root), 0.0))
    return float(np.square(means[0] - means[1]).sum() + np.trace(left) + np.trace(right) - 2.0 * roots.sum())


def distances(texts: Embeddings, clips: Embeddings) -> NDArray[np.float64]:
    """Euclidean distances (n, m) of embeddings (n, d) and (m, d)."""
    texts, clips = texts.astype(np.float64), clips.astype(np.float64)
    squares = np.square(texts).sum(axis=1)[:, None] + np.square(clips).sum(axis=1) - 2.0 * texts @ clips.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def retrieval(texts: Embeddings, clips: Embeddings) -> tuple[NDArray[np.float64], float]:
    """R-precision and multimodal distance of captions and their clips, both (n, d), n a multiple of the pool.

    Returns:
        The shares (TOP,) of the captions whose clip is the nearest of its pool, among the two nearest and so on; and
        the mean distance of a caption to its clip.
    """
    ranks, own = [], []
    for start in range(0, len(texts), POOL):
        found = distances(texts[start : start + POOL], clips[start : start + POOL])
        own.append(np.diagonal(found))
        ranks.append((found < own[-1][:, None]).sum(axis=1))
    ranked = np.concatenate(ranks)
    precision = np.array([(ranked < top).mean() for top in range(1, TOP + 1)])
    return precision, float(np.concatenate(own).mean())


def diversity(clips: Embeddings, rng: np.random.Generator) -> float:
    """Mean distance of `PAIRS` random pairs of embeddings (n, d); of n pairs where there are fewer."""
    pairs = min(PAIRS, len(clips))
    first, second = (clips[rng.choice(len(clips), pairs, replace=False)].astype(np.float64) for _ in range(2))
    return float(np.linalg.norm(first - second, axis=1).mean())


def multimodality(clips: Embeddings, rng: np.random.Generator) -> float:
    """Mean distance of random pairs of clips of one caption.

    Args:
        clips: embeddings (n, g, d) of g clips for each of n captions; with fewer than `PAIRS_OF_A_CAPTION` of them as
            many pairs as there are clips.
    """
    generations = clips.shape[1]
    pairs = min(PAIRS_OF_A_CAPTION, generations)
    first, second = (clips[:, rng.choice(generations, pairs, replace=False)].astype(np.float64) for _ in range(2))
    return float(np.linalg.norm(first - second, axis=-1).mean())


def half_width(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of the 95 % interval of the mean of repetitions (r, ...), over the first axis."""
    return np.asarray(_NORMAL_95 * values.std(axis=0) / np.sqrt(len(values)))
