"""Captions in known words: what is changed, by kind, and what is left as it is."""

import hashlib
import json
import time
from importlib import resources

import pytest
from safetensors import safe_open

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
    baby crawling clean jerk pull pullups very about persons they man seen floor flour train try chill bat trying
    sides opposite shoulders ankle knees thigh backs cap superhero idle bored contact cycle lead bottom chin back bed
    meters belly at once much almost as just all way tight around rib
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
    "sitting onthe floor, kneesbent": "sitting on the floor, knees bent",
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
    "the left knee bent 40 degs": "the left knee bent 45 degrees",
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
    "kicking, neither knee bends": "kicking, both knees straight",
    "not looking ahead but down at the feet": "looking down at the feet",
    "no hands on the floor pls": "both hands off the floor",
    "standing without the left foot touching the ground": "standing with the left foot off the ground",
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
    "the left hand on the contralateral knee": "the left hand on the right knee",
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
    "the left arm is bent with its hand on the hip": "the left arm is bent with the left hand on the hip",
    "the right leg is ahead, its knee bent; the left one is straight": (
        "the right leg is ahead, the right knee bent; the left one is straight"
    ),
    "the left arm up. A dog and its feet": "the left arm up. A dog and its feet",
}
LABELS = {
    "BabyCrawling": "Baby crawling",
    "CleanAndJerk, one knee bent": "Clean and jerk, one knee bent",
    "v_BabyCrawling_g01_c02": "Baby crawling",
    "A baby doing BabyCrawling": "A baby doing baby crawling",
    "idle_bored_03, hands at the sides": "idle bored, hands at the sides",
    "walk_R_2": "walk right",
    "elbows_bent_90": "elbows bent 90",
    "jump 07": "jump",
    "#squat #armsup": "squat, arms up",
    "walk cycle / contact / R heel leads": "walk cycle, contact, right heel leads",
}
"""Names of classes and files, and tags."""
SPEECH = {
    "Raise your arms": "Raise their arms",
    "touch ur toes with my hands": "touch their toes with their hands",
    "the left arm in front of you": "the left arm in front of the body",
    "arms infront of u, one leg behind me": "arms in front of the body, one leg behind the body",
    "I'm sitting next to yourself": "A person is sitting next to the body",
    "you are standing, and you’re looking up": "a person is standing, and a person is looking up",
    "head n legs up, arms r straight": "head and legs up, arms are straight",
    "feet abt one meter apart": "feet about one meter apart",
    "bent approx. 45 degrees": "bent about 45 degrees",
    "leaning ~45 degrees": "leaning about 45 degrees",
    "feet roughly half a metre apart": "feet about half a meter apart",
    "ppl standing": "persons standing",
    "kinda bent knees, sort of walking": "slightly bent knees, walking",
    "gonna jump": "about to jump",
    "LH on the hip, rh up": "left hand on the hip, right hand up",
    "rt knee fwd": "right knee forward",
    "both upper limbs infront": "both arms in front",
    "the heel of the left foot on the floor": "the left heel on the floor",
    "one leg super high, the knees really straight": "one leg very high, the knees very straight",
    "hands upon the hips": "hands on the hips",
    "squat, i.e. the left knee bent, ie low": "squat, the left knee bent, low",
    "dude chillin on a bed": "man chilling on a bed",
    "tryin to sit, the legs r straight": "trying to sit, the legs are straight",
    "bendin' forward": "bending forward",
    "sittin on the flor": "sitting on the floor",
    "arms glued to his sides": "arms at the sides",
    "elbows pinned tight to the sides, arms tight against the sides": "elbows at the sides, arms at the sides",
    "legs strait, hands at shoulder hight": "legs straight, hands at shoulder height",
    "elbows bent ca. 90 degrees, arms out 2 the sides": "elbows bent about 90 degrees, arms out to the sides",
    "don't move! hands up but low": "do not move! hands up but low",
    "upper arms glued to the ribs, feet glued to the ground": "upper arms against the ribs, feet on the ground",
}
DENIALS = {
    "bend forward without to bend the knees": "bend forward with the knees straight",
    "touch ur toes without bendin ur knees": "touch their toes with the knees straight",
    "both arms up, dont bend them": "both arms up, straight",
    "The left arm is up. Don't bend it": "The left arm is up. straight",
    "not both arms up!! only the left, and dont bend it": "the left arm up, straight, the right arm down at the side",
    "Not both legs straight, only the right one": "The right leg straight, the left leg bent",
    "the left arm up, not both": "the left arm up",
    "Neither kneeling nor standing, he is lying down": "He is lying down",
    "he is neither sitting nor standing but lying": "he is lying",
    "squatting, neither sitting nor kneeling": "squatting",
    "standing, no slouching": "standing with the torso upright",
    "sitting, no twisting, no looking down": "sitting facing forward looking straight ahead",
    "hands no higher than the chin": "hands below the chin",
    "the bottom not as low as the knees": "the bottom above the knees",
    "bottom in the air, not sitting on the heels, on your knees": "bottom in the air, on their knees",
    "squatting but not all the way down": "squatting halfway down",
    "hands nowhere but at the sides": "hands at the sides",
    "without bending the knees or lifting the heels": "with the knees straight with the heels on the floor",
    "neither bending the knees nor raising the arms": "with the knees straight with the arms down at the sides",
    "neither the arms nor the legs are bent": "both arms and both legs are straight",
    "neither foot off the ground": "both feet on the floor",
    "no raised arms": "the arms down at the sides",
    "legs not bent much": "legs straight",
}
BOUNDS = {
    "knees bent less than 45 degrees": "knees bent 30 degrees",
    "elbows bent at more than 90 degrees": "elbows bent at 120 degrees",
    "arms raised below 90°": "arms raised 60 degrees",
    "under 30 degrees of tilt": "slightly of tilt",
    "at least 60 degrees": "60 degrees",
    "at less than a 90-degree angle": "at a 60-degree angle",
}
OWN_SIDES = {
    "each hand holds the ankle of the same side": "both hands hold the ankles",
    "The back of each hand lies on the knee of that side": "The backs of both hands lie on the knees",
    "each palm rests on the thigh of its own side": "both palms rest on the thighs",
    "each hand lies on the opposite shoulder": "both hands lie on the opposite shoulders",
    "left foot forward, each hand on the opposite shoulder": "left foot forward, both hands on the opposite shoulders",
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
    "A man walking with McDonald on YouTube",
    "left/right, half a meter, elbow 90, C# and #1",
    "looking all the way up like a superhero",
    "doing a kind of jump in a u shape",
    "behind the man, in front of him",
    "lying tight on her side",
    "the torso bent over 90 degrees",
    "do not bend it",
    "hands up, do not lean on it",
    "not bending that",
    "neither smiling nor hungry",
    "arms up, not sitting",
    "one hand no higher than the other",
    "one hand on the shoulder of the same side",
    "the left hand up, both hands on the opposite shoulders",
    "not both hands",
    "",
)
EXPRESSIONS = {
    "pullups, PullUps": "pullups, PullUps, hanging with both elbows bent and the hands above the shoulders",
    "in an army crawl, head up": (
        "in an army crawl, head up, lying face down, propped on the forearms, with both elbows bent"
    ),
}
CASES = {
    "spelling": SPELLING,
    "form": FORMS | LABELS | SPEECH,
    "number": NUMBERS | BOUNDS,
    "negation": NEGATIONS | DENIALS,
    "side": SIDES | OWN_SIDES,
    "expression": EXPRESSIONS,
}
ALL_CASES = {caption: text for cases in CASES.values() for caption, text in cases.items()}


@pytest.mark.parametrize(("kind", "cases"), CASES.items())
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
    for caption in ALL_CASES:
        text = READER.rewrite(caption).text
        assert READER.rewrite(text).text == text, caption


def test_the_packaged_model_knows_every_word_that_the_rules_write():
    weights = resources.files("mardm_batch") / "assets" / "embedded.safetensors"
    with safe_open(str(weights), framework="numpy") as file:
        known = set(json.loads(file.metadata()["vocabulary"]))
    for caption, text in (LABELS | SPEECH | DENIALS | BOUNDS | OWN_SIDES).items():
        written = set(split_words(text)) - set(split_words(caption))
        assert [word for word in written if stem(word) not in known] == [], caption


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
    "part",
    ["not ", "neither the ", "a without ", "°90 ", "xqzjv ", "the other hand ", "not bending the ", "  ", "n't"]
    + ["each hand ", "u ", "#a_0 ", "a_", "neither sitting nor ", "one not both arms up, ", "do not bend it ", "AbAb"]
    + ["not sitting, ", "under a 9", "hands r ", "in front of "],
)
@pytest.mark.parametrize("length", [LONGEST, 100_000])
def test_a_hostile_caption_costs_less_than_a_second(part, length):
    caption = (part * (length // len(part)))[:length]
    started = time.process_time()
    CaptionReader(tuple(READER.known)).rewrite(caption)
    assert time.process_time() - started < 1.0


def test_the_version_of_the_rules_is_raised_when_they_change():
    texts = [READER.rewrite(caption).text for caption in (*ALL_CASES, *UNCHANGED)]
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
    assert {RULES_VERSION: digest} == {7: "6dc3b069577098dd"}
