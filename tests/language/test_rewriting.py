"""Captions in known words: what is changed, by kind, and what is left as it is."""

import hashlib
import time

import pytest

from mardm_batch.language.rewriting import LONGEST, CaptionReader
from mardm_batch.language.version import RULES_VERSION
from mardm_batch.language.words import split_words, stem

KNOWN_TEXT = """
    the a person with and both right left on arm hand in knee stand is to leg bent elbow straight their at forward head
    up back one shoulder front palm side of down floor hip man woman behind two body sit foot ground out while hold pose
    feet stretch above someone an torso raise upper doing face lean sole over are lift squat together like lower forearm
    angle chest lying point bend low reach wide upright place wrist other degrees far flex extend high fist deep apart
    trunk overhead sideways waist tilt turn kneel horizontal backward rest as below 30 45 60 90 120 thirty ninety half
    halfway slightly looking ahead off no not without neither nor never is are spread crossed yoga mat gray meter color
    night light fight camera toward jump walk run cross legged heel toes raised facing tire practice sitting standing
"""
READER = CaptionReader(tuple(dict.fromkeys(stem(word) for word in split_words(KNOWN_TEXT))))

SPELLING = {
    "A person rasing both arms": "A person raising both arms",
    "A persn standign with the left hadn on the hip": "A person standing with the left hand on the hip",
    "A man kneelin on the rigth knee": "A man kneeling on the right knee",
    "the left hnad behnd the bakc": "the left hand behind the back",
    "arms strecthed to the sides": "arms stretched to the sides",
    "Sqautting": "Squatting",
    "lft arm up, rihgt arm down": "left arm up, right arm down",
}
FORMS = {
    "a colour on a grey mat": "a color on a gray mat",
    "one metre": "one meter",
    "practising yoga": "practicing yoga",
    "holding a tyre": "holding a tire",
    "A person is sat on the floor": "A person is sitting on the floor",
    "he was stood on one leg": "he was standing on one leg",
    "A person kneelt on both knees": "A person kneeling on both knees",
    "towards the camera": "towards the camera",
    "standing w/ both hands on the hips": "standing with both hands on the hips",
    "standing w the L hand on the R hip": "standing with the left hand on the right hip",
}
NUMBERS = {
    "elbows bent 90°": "elbows bent 90 degrees",
    "elbows at 90 deg": "elbows at 90 degrees",
    "elbows at ninety degrees": "elbows at ninety degrees",
    "knees bent at 85 degrees": "knees bent at 90 degrees",
    "arms at a 45° angle": "arms at a 45-degree angle",
    "a 90-degree bend in the left elbow": "a 90-degree bend in the left elbow",
    "leaning forward 40 degrees": "leaning forward 45 degrees",
    "knees bent by 10 degrees": "knees bent slightly",
    "elbow bent to thirty-five degrees": "elbow bent to 30 degrees",
    "elbows at 180 degrees": "elbows straight",
    "arms half way up": "arms halfway up",
    "on 1 leg with 2 hands on the hips": "on one leg with two hands on the hips",
}
NEGATIONS = {
    "standing without raising the arms": "standing with the arms down at the sides",
    "Without raising the arms, a person squats": "With the arms down at the sides, a person squats",
    "squatting without lifting the heels": "squatting with the heels on the floor",
    "bending forward, not bending the knees": "bending forward with the knees straight",
    "bending forward without bending the knees or elbows": "bending forward with the knees and elbows straight",
    "no bend in the knees": "the knees straight",
    "with no bend in the left elbow": "with the left elbow straight",
    "the knees not bent": "the knees straight",
    "the knees aren't bent": "the knees are straight",
    "the left knee isn’t bent": "the left knee is straight",
    "neither leg bent": "both legs straight",
    "neither of the knees is bent": "both knees are straight",
    "neither the left nor the right arm is raised": "both arms are down at the sides",
    "lying with neither leg raised": "lying with both legs on the floor",
    "arms not crossed": "arms down at the sides",
    "arms neither raised nor bent": "arms down at the sides and straight",
    "arms not crossed but straight": "arms straight",
    "not sitting but standing": "standing",
    "A person standing, not sitting": "A person standing",
    "standing rather than sitting": "standing",
    "A person isn't looking up": "A person looking straight ahead",
    "without turning the head": "with the head straight, looking straight ahead",
    "A person with no hands on the floor": "A person with both hands off the floor",
    "A person never leaning": "A person with the torso upright",
    "A person does not lean back": "A person with the torso upright",
    "with nothing raised": "with both arms down at the sides",
    "heels not touching the floor": "heels raised off the floor",
    "The right hand, not the left, is raised": "The right hand is raised",
    "not the left hand but the right hand is raised": "the right hand is raised",
    "The knees are straight, not bent": "The knees are straight",
    "A person doesn't raise the left arm": "A person with the left arm down at the side",
    "knees together, no gap between the knees": "knees together, the knees together",
}
SIDES = {
    "the left hand on the hip and the other hand raised": "the left hand on the hip and the right hand raised",
    "the left hand on the hip, the other raised": "the left hand on the hip, the right hand raised",
    "the left arm is straight while the other one is bent": "the left arm is straight while the right arm is bent",
    "the right hand higher than the other": "the right hand higher than the left hand",
    "the right hand higher than the other hand": "the right hand higher than the left hand",
    "the left foot in front of the other": "the left foot in front of the right foot",
    "reaching to the left foot with the opposite hand": "reaching to the left foot with the right hand",
    "each hand on a hip": "both hands on the hips",
    "one hand on each hip": "both hands on the hips",
    "each arm raised": "both arms raised",
    "both of the arms raised": "both arms raised",
    "arms out to either side": "arms out to both sides",
}
UNCHANGED = (
    "A person standing with both arms raised overhead",
    "one hand on the hip and the other raised",
    "left foot forward, one hand up and the other on the hip",
    "one leg in front of the other",
    "looking to the other side",
    "not smiling",
    "not on a chair",
    "not only raising the left arm but also the right arm",
    "A person running at night in the light",
    "holding a llama",
    "playing the sitar with Mikasa Pters",
    "Übung 站立 🧍 zzz",
    "the head against a light",
    "",
)


@pytest.mark.parametrize(
    ("kind", "cases"),
    [("spelling", SPELLING), ("form", FORMS), ("number", NUMBERS), ("negation", NEGATIONS), ("side", SIDES)],
)
def test_captions_are_read_in_known_words(kind, cases):
    readings = {caption: READER.rewrite(caption) for caption in cases}
    assert {caption: reading.text for caption, reading in readings.items()} == cases
    for caption, reading in readings.items():
        if reading.text != caption:
            assert kind in {change.kind for change in reading.changes}, caption


@pytest.mark.parametrize("caption", UNCHANGED)
def test_what_needs_no_other_words_or_has_none_is_left_as_it_is(caption):
    reading = READER.rewrite(caption)
    assert (reading.text, reading.changes) == (caption, ())


def test_rewriting_what_was_rewritten_changes_nothing():
    for caption in (*SPELLING, *FORMS, *NUMBERS, *NEGATIONS, *SIDES):
        text = READER.rewrite(caption).text
        assert READER.rewrite(text).text == text, caption


def test_a_known_word_is_never_taken_for_another():
    captions = (
        "A man with the right arm near a light at night",
        "fight like a knight",
        "feet flat, foot deep, fist low",
    )
    assert [READER.rewrite(caption).text for caption in captions] == list(captions)


def test_a_change_says_what_it_is():
    (change,) = READER.rewrite("both hadns up").changes
    assert str(change) == "'hadns' as 'hands' (spelling)"


@pytest.mark.parametrize(
    "part", ["not ", "neither the ", "a without ", "°90 ", "xqzjv ", "the other hand ", "not bending the ", "  ", "n't"]
)
@pytest.mark.parametrize("length", [LONGEST, 100_000])
def test_a_hostile_caption_costs_less_than_a_second(part, length):
    caption = (part * (length // len(part)))[:length]
    started = time.process_time()
    CaptionReader(tuple(READER.known)).rewrite(caption)
    assert time.process_time() - started < 1.0


def test_the_version_of_the_rules_is_raised_when_they_change():
    texts = [READER.rewrite(caption).text for caption in (*SPELLING, *FORMS, *NUMBERS, *NEGATIONS, *SIDES, *UNCHANGED)]
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    assert {RULES_VERSION: digest} == {1: "903b3540a64857c0"}
