"""What is held out is never trained on, is all that an evaluation draws, and is the same everywhere."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mardm_batch.library.clips import composed_clips
from mardm_batch.library.entries import twin_name
from mardm_batch.library.held_out import SHARES, is_held_out
from mardm_batch.library.library import load_library
from mardm_batch.pose.sides import swap_sides

LIBRARY = load_library()


def draw(count: int, held_out: bool | None):
    rng = np.random.default_rng(11)
    return [LIBRARY.sample(rng, 1, held_out) for _ in range(count)]


def test_what_training_draws_and_what_an_evaluation_draws_have_no_caption_in_common():
    trained = [caption for clip in composed_clips(300, seed=4, processes=1) for caption in clip.captions]
    unseen = draw(60, held_out=True)
    assert all(sample.held_out for sample in unseen)
    assert {kind for sample in unseen for kind in sample.held_out} == {"combination", "way"}
    bare = {caption.lower().rstrip(".") for caption in trained}
    assert not bare & {sample.caption.lower().rstrip(".") for sample in unseen}


def test_no_training_sample_is_held_out():
    assert not any(sample.held_out for sample in draw(200, held_out=False))
    assert any(sample.held_out for sample in draw(100, held_out=None))


def test_training_clips_are_drawn_from_what_is_not_held_out():
    library = load_library()
    asked = []
    original = library.sample

    def sample(rng, frames, held_out=None):
        asked.append(held_out)
        return original(rng, frames, held_out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "sample", sample)
        composed_clips(3, seed=0, processes=1)
    assert asked == [False] * 3


def test_a_mirror_image_is_held_out_too():
    for phrase in LIBRARY.split.phrases:
        assert min(phrase, swap_sides(phrase)) == phrase
    seen = 0
    for sample in draw(500, held_out=None):
        entries = sample.composition.entries
        twins = [LIBRARY.by_name.get(twin_name(entry.name), entry) for entry in entries]
        if len(entries) > 1:
            assert (
                LIBRARY.split.held_out_of(twins, [swap_sides(phrase) for phrase in sample.phrases]) == sample.held_out
            )
            seen += 1
    assert seen > 100


def test_every_entry_keeps_ways_to_be_said():
    for entry in LIBRARY.entries:
        for phrases in (entry.does, entry.having):
            kept = [text for text in phrases if min(text, swap_sides(text)) not in LIBRARY.split.phrases]
            assert bool(kept) == bool(phrases), entry.name
            assert len(kept) == len(phrases) or len(entry.does) + len(entry.having) >= 4, entry.name


@pytest.mark.parametrize("kind", list(SHARES))
def test_the_share_is_as_stated(kind):
    share = np.mean([is_held_out(kind, f"thing {number}") for number in range(20000)])
    assert share == pytest.approx(SHARES[kind], abs=0.006)


def test_the_choice_is_the_same_in_every_process():
    program = (
        "from mardm_batch.library.held_out import is_held_out;"
        "print([n for n in range(500) if is_held_out('way', str(n))])"
    )
    here = str([n for n in range(500) if is_held_out("way", str(n))])
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        there = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert there.stdout.strip() == here
