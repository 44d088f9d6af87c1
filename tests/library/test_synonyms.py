"""Training meets the library's phrases in other words too, which mean the same and read as well."""

import re
from importlib import resources

import numpy as np
import yaml

from mardm_batch.library.library import load_library
from mardm_batch.library.synonyms import reworded
from mardm_batch.pose.sides import names_side

GROUPS = [
    group
    for groups in yaml.safe_load(
        (resources.files("mardm_batch") / "assets" / "synonyms.yaml").read_text(encoding="utf-8")
    ).values()
    for group in groups
]


def ways(text, draws=300):
    rng = np.random.default_rng(0)
    return {reworded(text, rng) for _ in range(draws)}


def test_a_group_has_several_different_words_and_no_side():
    for group in GROUPS:
        assert len(set(group)) == len(group) > 1
        assert not any(names_side(words) for words in group)


def test_verbs_stand_for_verbs():
    for group in GROUPS:
        assert len({words.startswith("<") for words in group}) == 1, group


def test_a_phrase_is_said_in_other_words():
    said = ways("<raise> the left hand overhead")
    assert "<raise> the left hand overhead" in said
    assert {"<lift> the left hand overhead", "<raise> the left palm overhead"} <= said
    assert all("left" in text for text in said)


def test_the_article_follows_the_word():
    said = ways("<hold> an umbrella over a photo")
    assert "<hold> a parasol over a picture" in said
    assert not any(re.search(r"\ba [aeiou]|\ban [^aeiou]", text) for text in said)


def test_parts_of_words_and_of_verbs_stay():
    assert ways("<cup> the hand-held glassware") == {"<cup> the hand-held glassware"}


def test_training_draws_other_words_but_no_held_out_phrase():
    library = load_library()
    rng = np.random.default_rng(3)
    written = {text for entry in library.entries for text in (*entry.does, *entry.having)}
    samples = [library.sample(rng, 1, held_out=False) for _ in range(300)]
    phrases = {phrase for sample in samples for phrase in sample.phrases}
    assert phrases - written
    assert not phrases & library.split.phrases
    others = [library.sample(rng, 1) for _ in range(100)]
    assert not {phrase for sample in others for phrase in sample.phrases} - written
