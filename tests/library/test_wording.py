"""Captions read as people write them, whatever the subject and the order of the parts."""

import re

import numpy as np

from mardm_batch.library.wording import Phrase, put_into_words

TREE = Phrase("tree", ("<do> {the|a} tree pose", "<be> in a tree pose"), ())
HANDS = Phrase("hands", (), ("{both|their} hands on {their} own hips",))
HUG = Phrase("hug", ("<hug> themselves",), ())


def captions(*phrases):
    rng = np.random.default_rng(0)
    return [put_into_words(phrases, rng).caption.rstrip(".") for _ in range(600)]


def test_a_posture_may_be_named_alone():
    assert {"Tree pose", "A tree pose", "In a tree pose", "Doing a tree pose"} <= set(captions(TREE))


def test_a_pronoun_has_a_finite_verb():
    starts = [text for text in captions(TREE) if re.match(r"(?:He|She) ", text)]
    assert starts
    assert all(re.match(r"(?:He|She) (?:is|does) ", text) for text in starts)


def test_possessives_follow_the_subject():
    for text in captions(TREE, HANDS):
        assert "the own" not in text
        if re.search(r"\b(?:man|boy|he)\b", text, re.IGNORECASE):
            assert "their" not in text.split()
    assert any("himself" in text for text in captions(HUG))


def test_the_hands_may_come_first_or_after_a_comma():
    said = captions(TREE, HANDS)
    assert any(re.match(r"(?:With )?(?:both|[Tt]heir|the) hands .*, a person ", text) for text in said)
    assert any(re.search(r"pose, (?:both|their|the) hands", text) for text in said)


def test_the_parts_may_be_listed_as_in_notes():
    assert any(re.search(r"pose[,:;] both hands on own hips", text) for text in captions(TREE, HANDS))
    standing = Phrase("standing", ("<stand>",), (), implied=True)
    arms = [
        Phrase(name, (), (f"the {name} arm {where}",)) for name, where in (("left", "up"), ("right", "to the side"))
    ]
    said = captions(standing, *arms)
    assert {"Left arm up, right arm to the side", "Standing, left arm up, right arm to the side"} <= set(said)
    assert all(len(re.findall(r"\barm\b", text, re.IGNORECASE)) == 2 for text in said)


def test_anyone_may_do_it_anywhere():
    said = captions(HUG)
    roles = [text for text in said if re.match(r"(?:The woman|Woman|A lady|An actress|A queen|A ballerina)", text)]
    assert roles
    assert all("herself" in text for text in roles)
    in_places = [text for text in said if not text.endswith(("self", "selves"))]
    assert 0.03 < len(in_places) / len(said) < 0.12
    assert any(re.search(r"self (?:in|on|at|by|for|during|after|before) ", text) for text in in_places)


def test_who_is_somebody_poses_as_one():
    said = captions(Phrase("zombie", ("<be> a zombie",), ()))
    assert any(text.startswith("A person posing as a zombie") for text in said)
    assert any(re.match("A person is a zombie", text) for text in said)
    assert not any(re.match("A person a zombie", text) for text in said)


def test_a_posture_may_say_which_side_it_is():
    said = captions(Phrase("tree", ("<do> a tree pose", "<stand> on the left foot"), (), sides=("on the left leg",)))
    ending = re.compile(r"tree pose on the left leg\b")
    assert 0.2 < sum(bool(ending.search(text)) for text in said) / sum("tree pose" in text for text in said) < 0.5
    assert not any(re.search(r"left foot on the left leg", text) for text in said)


def test_a_caption_may_tell_of_the_past():
    said = captions(Phrase("chair", ("<sit> on a chair and <carry> a box",), ()))
    assert "A person sat on a chair and carried a box" in said
    assert "A person stood with both hands on their own hips" in captions(
        Phrase("standing", ("<stand>",), (), implied=True), HANDS
    )
    assert not any(re.search(r"who is (?:sat|did)\b", text) for text in said)
