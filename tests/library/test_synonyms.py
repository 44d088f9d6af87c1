"""Synonyms in the phrases of training captions."""

import re
from importlib import resources

import numpy as np
import yaml

from mardm_batch.library.library import load_library
from mardm_batch.library.synonyms import substitute_synonyms
from mardm_batch.pose.sides import names_side

GROUPS = [
    group
    for groups in yaml.safe_load(
        (resources.files("mardm_batch") / "assets" / "synonyms.yaml").read_text(encoding="utf-8")
    ).values()
    for group in groups
]


def variants(text, draws=300):
    rng = np.random.default_rng(0)
    return {substitute_synonyms(text, rng) for _ in range(draws)}


def test_groups_have_several_distinct_words_without_sides():
    for group in GROUPS:
        assert len(set(group)) == len(group) > 1
        assert not any(names_side(words) for words in group)


def test_verbs_are_replaced_by_verbs_only():
    for group in GROUPS:
        assert len({words.startswith("<") for words in group}) == 1, group


def test_words_are_replaced_by_synonyms():
    phrases = variants("<raise> the left hand overhead")
    assert "<raise> the left hand overhead" in phrases
    assert {"<lift> the left hand overhead", "<raise> the left palm overhead"} <= phrases
    assert all("left" in text for text in phrases)


def test_the_article_matches_the_synonym():
    phrases = variants("<hold> an umbrella over a photo")
    assert "<hold> a parasol over a picture" in phrases
    assert not any(re.search(r"\ba [aeiou]|\ban [^aeiou]", text) for text in phrases)


def test_parts_of_words_are_not_replaced():
    assert variants("<cup> the hand-held glassware") == {"<cup> the hand-held glassware"}


def test_training_has_synonyms_but_no_held_out_phrases():
    library = load_library()
    rng = np.random.default_rng(3)
    original = {
        text
        for entry in library.entries
        for text in (*entry.verb_phrases, *entry.with_phrases, *entry.how_phrases, *entry.statements)
    }
    samples = [library.sample(rng, 1, held_out=False) for _ in range(300)]
    phrases = {phrase for sample in samples for phrase in sample.phrases}
    assert phrases - original
    assert not phrases & library.split.phrases
    others = [library.sample(rng, 1) for _ in range(100)]
    assert not {phrase for sample in others for phrase in sample.phrases} - original
