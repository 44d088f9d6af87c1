"""The held-out split: never in training, all that an evaluation draws, the same in every process."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mardm_batch.library.clips import composed_clips
from mardm_batch.library.entries import mirrored_name
from mardm_batch.library.held_out import SHARES, is_held_out
from mardm_batch.library.library import load_library
from mardm_batch.pose.sides import swap_sides

LIBRARY = load_library()


def draw(count: int, held_out: bool | None):
    rng = np.random.default_rng(11)
    return [LIBRARY.sample(rng, 1, held_out) for _ in range(count)]


def test_training_and_evaluation_have_no_caption_in_common():
    trained = [caption for clip in composed_clips(300, seed=4, processes=1) for caption in clip.captions]
    evaluated = draw(60, held_out=True)
    assert all(sample.held_out for sample in evaluated)
    assert {kind for sample in evaluated for kind in sample.held_out} == {"combination", "way"}
    normalised = {caption.lower().rstrip(".") for caption in trained}
    assert not normalised & {sample.caption.lower().rstrip(".") for sample in evaluated}


def test_no_training_sample_is_held_out():
    assert not any(sample.held_out for sample in draw(200, held_out=False))
    assert any(sample.held_out for sample in draw(100, held_out=None))


def test_training_clips_are_drawn_without_held_out_samples():
    library = load_library()
    requested = []
    original = library.sample

    def sample(rng, frames, held_out=None):
        requested.append(held_out)
        return original(rng, frames, held_out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "sample", sample)
        composed_clips(3, seed=0, processes=1)
    assert requested == [False] * 3


def test_mirror_images_are_held_out_together():
    for phrase in LIBRARY.split.phrases:
        assert min(phrase, swap_sides(phrase)) == phrase
    checked = 0
    for sample in draw(500, held_out=None):
        entries = sample.composition.entries
        mirrored = [LIBRARY.by_name.get(mirrored_name(entry.name), entry) for entry in entries]
        if len(entries) > 1:
            assert (
                LIBRARY.split.held_out_kinds(mirrored, [swap_sides(phrase) for phrase in sample.phrases])
                == sample.held_out
            )
            checked += 1
    assert checked > 100


def test_every_entry_keeps_phrases_for_training():
    for entry in LIBRARY.entries:
        for phrases in (entry.verb_phrases, entry.with_phrases):
            kept = [text for text in phrases if min(text, swap_sides(text)) not in LIBRARY.split.phrases]
            assert bool(kept) == bool(phrases), entry.name
            assert len(kept) == len(phrases) or len(entry.verb_phrases) + len(entry.with_phrases) >= 4, entry.name


@pytest.mark.parametrize("kind", list(SHARES))
def test_the_held_out_share_is_as_configured(kind):
    share = np.mean([is_held_out(kind, f"item {number}") for number in range(20000)])
    assert share == pytest.approx(SHARES[kind], abs=0.006)


def test_the_choice_is_the_same_in_every_process():
    program = (
        "from mardm_batch.library.held_out import is_held_out;"
        "print([n for n in range(500) if is_held_out('way', str(n))])"
    )
    expected = str([n for n in range(500) if is_held_out("way", str(n))])
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert result.stdout.strip() == expected
