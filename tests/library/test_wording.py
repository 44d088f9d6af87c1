"""Composed captions are grammatical, for every subject and order of their parts."""

import re

import numpy as np

from mardm_batch.library.grammar import conjugate
from mardm_batch.library.wording import EntryPhrases, compose_caption

TREE = EntryPhrases("tree", ("<do> {the|a} tree pose", "<be> in a tree pose"), ())
HANDS = EntryPhrases("hands", (), ("{both|their} hands on {their} own hips",))
HUG = EntryPhrases("hug", ("<hug> themselves",), ())


def captions(*phrases):
    rng = np.random.default_rng(0)
    return [compose_caption(phrases, rng).caption.rstrip(".") for _ in range(600)]


def test_a_caption_may_be_the_name_of_a_posture():
    assert {"Tree pose", "A tree pose", "In a tree pose", "Doing a tree pose"} <= set(captions(TREE))


def test_pronouns_have_finite_verbs():
    starts = [text for text in captions(TREE) if re.match(r"(?:He|She) ", text)]
    assert starts
    assert all(re.match(r"(?:He|She) (?:is|does|did) ", text) for text in starts)


def test_possessives_match_the_subject():
    for text in captions(TREE, HANDS):
        assert "the own" not in text
        if re.search(r"\b(?:man|boy|he)\b", text, re.IGNORECASE):
            assert "their" not in text.split()
    assert any("himself" in text for text in captions(HUG))


def test_with_phrases_may_come_first_or_after_a_comma():
    texts = captions(TREE, HANDS)
    assert any(re.match(r"(?:With )?(?:both|[Tt]heir|the) hands .*, a person ", text) for text in texts)
    assert any(re.search(r"pose, (?:both|their|the) hands", text) for text in texts)


def test_parts_may_be_listed_as_in_notes():
    assert any(re.search(r"pose[,:;] both hands on own hips", text) for text in captions(TREE, HANDS))
    standing = EntryPhrases("standing", ("<stand>",), (), implied=True)
    arms = [
        EntryPhrases(name, (), (f"the {name} arm {where}",))
        for name, where in (("left", "up"), ("right", "to the side"))
    ]
    texts = captions(standing, *arms)
    assert "Left arm up, right arm to the side" in texts
    assert {"Standing, left arm up, right arm to the side", "Standing, right arm to the side, left arm up"} & set(texts)
    assert all(len(re.findall(r"\barm\b", text, re.IGNORECASE)) == 2 for text in texts)


def test_subjects_and_places_vary():
    texts = captions(HUG)
    roles = [text for text in texts if re.match(r"(?:The woman|Woman|A lady|An actress|A queen|A ballerina)", text)]
    assert roles
    assert all("herself" in text for text in roles)
    in_places = [text for text in texts if not text.endswith(("self", "selves"))]
    assert 0.03 < len(in_places) / len(texts) < 0.12
    assert any(re.search(r"self (?:in|on|at|by|for|during|after|before) ", text) for text in in_places)


def test_being_somebody_is_posing_as_one():
    texts = captions(EntryPhrases("zombie", ("<be> a zombie",), ()))
    assert any(text.startswith("A person posing as a zombie") for text in texts)
    assert any(re.match("A person is a zombie", text) for text in texts)
    assert not any(re.match("A person a zombie", text) for text in texts)


def test_a_side_phrase_may_follow_a_verb_phrase_without_a_side():
    texts = captions(
        EntryPhrases("tree", ("<do> a tree pose", "<stand> on the left foot"), (), side_phrases=("on the left leg",))
    )
    ending = re.compile(r"tree pose on the left leg\b")
    assert 0.2 < sum(bool(ending.search(text)) for text in texts) / sum("tree pose" in text for text in texts) < 0.5
    assert not any(re.search(r"left foot on the left leg", text) for text in texts)


def test_verbs_of_several_syllables_double_their_consonant_where_they_are_stressed():
    forms = [conjugate("<rappel> and <sidestep>, <mimic>", form) for form in ("third", "gerund", "past")]
    assert forms == [
        "rappels and sidesteps, mimics",
        "rappelling and sidestepping, mimicking",
        "rappelled and sidestepped, mimicked",
    ]


def test_captions_may_be_in_the_past_tense():
    texts = captions(EntryPhrases("chair", ("<sit> on a chair and <carry> a box",), ()))
    assert "A person sat on a chair and carried a box" in texts
    standing = captions(EntryPhrases("standing", ("<stand>",), (), implied=True), HANDS)
    assert any(re.match(r"\w+ \w+ stood with (?:both|\w+) hands on", text) for text in standing)
    assert not any(re.search(r"who is (?:sat|did)\b", text) for text in texts)


KNEEL = EntryPhrases("kneeling", ("<kneel>",), ())
STAND = EntryPhrases("standing", ("<stand>",), (), implied=True)
LEFT = EntryPhrases("left arm", ("<raise> the left arm",), ("the left arm raised",))
KNEES = EntryPhrases(
    "knees", (), ("neither knee bent",), how_phrases=("without bending the knees",), statements=("no knee is bent",)
)


def test_every_part_may_be_a_statement_before_or_after_the_main_sentence():
    texts = captions(KNEEL, LEFT, KNEES)
    first = re.compile(r"(?:The left arm is raised|No knee is bent|Neither knee is bent) .+\. .+ (?:is|are) kneeling")
    after = re.compile(r".+ kneel\w*\. .*the left arm is raised", re.IGNORECASE)
    assert any(map(first.fullmatch, texts))
    assert any(map(after.match, texts))
    assert any(re.search(r"(?:person|they|he|she) (?:is|are) raising the left arm", text) for text in texts)
    assert any("without bending the knees" in text for text in texts)
    assert not any(re.search(r"\bthey (?:is|has|was|does)\b|\b(?:he|she) are\b", text, re.I) for text in texts)


def test_parts_are_joined_in_many_ways():
    texts = captions(KNEEL, LEFT, KNEES)
    for link in (" as well as ", " but ", " while ", " and also ", " keeping ", ", and "):
        assert any(link in text for text in texts), link
    orders = {text.lower().find("knee ") < text.lower().find("left arm") for text in texts}
    assert orders == {True, False}


def test_an_implied_stand_may_be_left_out():
    texts = captions(STAND, LEFT, KNEES)
    assert any(text.startswith("The left arm is raised") and "stand" not in text for text in texts)
    assert any("stand" in text for text in texts)


def test_the_other_limb_names_the_side_that_is_not_named():
    rng = np.random.default_rng(1)
    right = EntryPhrases("right hand", (), ("the right hand on the hip",))
    wordings = [compose_caption([STAND, LEFT, right], rng) for _ in range(500)]
    other = [each for each in wordings if "the other" in each.caption]
    assert len(other) > 20
    assert all(each.sided == {"left arm", "right hand"} for each in other)
    assert not any(re.match("(?:with )?the other", each.caption, re.IGNORECASE) for each in wordings)


def test_only_a_person_who_stands_is_said_to_stand():
    assert not any("stand" in text.lower() for text in captions(KNEEL, LEFT, KNEES))


def test_a_posture_with_statements_may_be_described_by_statements_alone():
    folded = EntryPhrases("folded", ("<fold> forward",), (), statements=("the torso is horizontal",))
    texts = captions(folded, LEFT)
    alone = [text for text in texts if text.startswith("The torso is horizontal") and "fold" not in text.lower()]
    assert 0.08 < len(alone) / len(texts) < 0.3
    assert all("left arm" in text for text in alone)
    assert "The torso is horizontal" in captions(folded)
