"""The pose library has words for the action classes of the usual data sets of motion and video."""

import re
from pathlib import Path

import yaml

from mardm_batch.language.words import split_words, stem
from mardm_batch.library.library import load_library
from mardm_batch.pose.conditions import parse

FILE = Path(__file__).parents[1] / "action_classes.yaml"
WITHOUT_CONDITIONS = """
    stand up; jump up; falling down; tennis bat swing; arm swings; belly dancing; bouncing on trampoline;
    capoeira; catching or throwing baseball; country line dancing; dancing ballet; dancing charleston; disc
    golfing; diving cliff; dodgeball; doing aerobics; exercising arm; exercising with an exercise ball;
    faceplanting; gymnastics tumbling; high jump; hockey stop; hula hooping; hurling (sport); ice skating;
    jumping into pool; krumping; laughing; long jump; parkour; passing American football (in game); playing
    badminton; playing basketball; playing cricket; playing squash or racquetball; playing tennis; playing
    volleyball; pole vault; riding or walking with horse; roller skating; salsa dancing; scuba diving; singing;
    skydiving; snorkeling; somersaulting; spinning poi; springboard diving; sticking tongue out; swing dancing;
    swinging on something; tango dancing; tap dancing; triple jump; yoga; zumba; baseball pitch; cliff diving;
    cricket shot; floor gymnastics; front crawl; still rings; trampoline jumping; raising body part; look;
    balance; spin; adjust; rolling movement; wait; shuffle; shrug; limp; wobble; moonwalk; drunk behavior; sway;
    swim; side to side movement; confusion; sigh; laugh; crossing limbs
"""
"""Classes whose picture meets no condition for certain."""


def test_nearly_every_word_of_a_class_is_in_a_phrase() -> None:
    phrases = " ".join(text for entry in load_library().entries for text in entry.verb_phrases + entry.with_phrases)
    known = set(map(stem, split_words(re.sub(r"[<>]", "", phrases))))
    classes = [*yaml.safe_load(FILE.read_text(encoding="utf-8")), *re.split(r";\s+", WITHOUT_CONDITIONS.strip())]
    unknown = {word for name in classes for word in split_words(name) if stem(word) not in known}
    assert len(classes) > 500
    assert len(unknown) <= 40, sorted(unknown)


def test_the_conditions_of_classes_are_understood() -> None:
    for entry in yaml.safe_load(FILE.read_text(encoding="utf-8")).values():
        assert all(map(parse, entry["conditions"]))
