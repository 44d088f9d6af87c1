"""The pose library: possible poses that meet their conditions, and captions that describe them."""

import re
from collections import Counter
from importlib import resources

import numpy as np
import pytest
import yaml

from mardm_batch.errors import InputError
from mardm_batch.library.describe import add_details, describe
from mardm_batch.library.entries import MAIN_KINDS, read_entries
from mardm_batch.library.library import Composition, load_library
from mardm_batch.library.posing import pose
from mardm_batch.library.sway import sway
from mardm_batch.pose.balance import is_balanced, limb_in_trunk
from mardm_batch.pose.conditions import parse
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.pose.skeleton import BONE_LENGTHS, JOINT_INDEX, PARENTS

LIBRARY = load_library()
BONES = np.array(BONE_LENGTHS[1:])
ASSETS = resources.files("mardm_batch") / "assets"


def bone_lengths(joints):
    return np.linalg.norm(joints[..., 1:, :] - joints[..., list(PARENTS[1:]), :], axis=-1)


@pytest.fixture(scope="module")
def poses():
    """Random poses of every entry; of fragments with a few main entries that take them."""
    rng = np.random.default_rng(0)
    posed = []
    for entry in LIBRARY.entries:
        if entry.kind in MAIN_KINDS:
            compositions = [Composition((entry,))]
        else:
            mains = [main for main in LIBRARY.mains if entry.fits(main)]
            assert mains, f"no main entry takes {entry.name}"
            compositions = [Composition((mains[int(rng.integers(len(mains)))], entry)) for _ in range(2)]
        for composition in compositions:
            count = 6 // len(compositions)
            posed.append((entry, composition, np.stack([composition.joints(rng) for _ in range(count)])))
    return posed


def test_every_entry_meets_its_conditions(poses):
    met, unmet = 0, Counter()
    for entry, composition, joints in poses:
        for text in composition.conditions:
            held = parse(text).holds(joints)
            met += int(held.sum())
            unmet[f"{entry.name}: {text}"] += int((~held).sum())
    assert unmet.total() <= 0.01 * met, unmet.most_common(10)


def test_every_entry_has_phrases_and_conditions():
    for entry in LIBRARY.entries:
        assert entry.verb_phrases or entry.with_phrases, entry.name
        assert entry.conditions, entry.name


def test_bone_lengths_are_exact_and_every_pose_is_on_the_floor(poses):
    for entry, _, joints in poses:
        np.testing.assert_allclose(bone_lengths(joints), np.broadcast_to(BONES, (len(joints), 21)), atol=1e-5)
        lowest = joints[..., 1].min(axis=-1)
        assert ((lowest >= 0.0) & (lowest <= 0.03)).all(), entry.name


def test_joints_are_within_human_limits(poses):
    possible = {entry.name: within_limits(joints).mean() for entry, _, joints in poses}
    assert np.mean(list(possible.values())) >= 0.99, sorted(possible.items(), key=lambda item: item[1])[:10]


def test_an_asymmetric_entry_has_its_mirror_image():
    left, right = (LIBRARY.by_name[f"{side} hand on hip"] for side in ("left", "right"))
    assert right.conditions == ("right_hand near right_hip 0.22", "right_elbow bent 45..")
    assert right.pose["right_arm"] == left.pose["left_arm"]
    assert all("left" not in text for text in (*right.verb_phrases, *right.with_phrases))
    kick = LIBRARY.by_name["side kick"].pose["pelvis"]["lean"]
    assert LIBRARY.by_name["side kick (mirrored)"].pose["pelvis"]["lean"] == [-kick[1], -kick[0]]


def test_samples_have_clips_and_well_formed_captions():
    rng = np.random.default_rng(1)
    for _ in range(400):
        sample = LIBRARY.sample(rng, 16)
        assert sample.clip.shape == (16, 22, 3)
        assert sample.clip.dtype == np.float32
        assert not re.search(r"[{}<>|]|  | ,|,,", sample.caption), sample.caption
        assert sample.conditions
        assert sample.phrases


def test_most_captions_are_of_a_person():
    rng = np.random.default_rng(1)
    captions = [LIBRARY.compose(rng).compose_caption(rng).caption.lower() for _ in range(4000)]
    assert sum("person" in caption for caption in captions) > 2000


def test_feet_together_are_not_crossed():
    rng = np.random.default_rng(4)
    for name in ("feet together", "at attention"):
        entry = LIBRARY.by_name[name]
        joints = np.stack([Composition((entry,)).joints(rng) for _ in range(50)])
        for text in ("left_ankle left of right_ankle 0.08", "feet close 0.2", "knees close 0.22"):
            assert parse(text).holds(joints).all(), (name, text)


def said_entries(composition):
    return max(1, sum(not entry.implied for entry in composition.entries))


def test_most_compositions_have_several_entries():
    rng = np.random.default_rng(12)
    counts = Counter(said_entries(LIBRARY.compose(rng)) for _ in range(4000))
    for count, share in ((1, 0.25), (2, 0.28), (3, 0.23), (4, 0.155), (5, 0.09)):
        assert abs(counts[count] / 4000 - share) < 0.04, counts
    kinds = Counter(entry.kind for _ in range(2000) for entry in LIBRARY.compose(rng).entries)
    assert all(kinds[kind] > 150 for kind in ("arms", "arm", "legs", "leg", "torso", "head")), kinds


def test_fragments_of_a_composition_are_of_different_parts_of_the_body():
    rng = np.random.default_rng(13)
    for _ in range(1500):
        main, *fragments = LIBRARY.compose(rng).entries
        parts = [part for entry in fragments for part in entry.parts]
        assert len(parts) == len(set(parts)), [main.name, *(entry.name for entry in fragments)]
        assert set(parts) <= main.free
        assert all(entry.fits(main) for entry in fragments)


def test_fragments_meet_their_conditions_on_the_postures_that_take_them():
    rng = np.random.default_rng(14)
    unsound = Counter()
    fragments = [entry for entry in LIBRARY.entries if entry.family.startswith("fragments") and entry.side >= 0]
    for entry in fragments:
        mains = [main for main in LIBRARY.mains if main.kind == "support" and entry.fits(main)]
        for index in rng.permutation(len(mains))[:4]:
            composition = Composition((mains[index], entry))
            if not any(LIBRARY.is_sound(composition, composition.joints(rng)) for _ in range(2)):
                unsound[composition.name] += 1
    assert len(fragments) > 100
    assert unsound.total() <= 0.05 * 3 * len(fragments), unsound


def test_every_posture_takes_fragments_of_the_legs_or_the_arms():
    for name in (
        "standing", "sitting on a chair", "sitting legs stretched", "kneeling", "squatting", "lying on back",
        "lying on front", "lying on left side", "lying on right side", "all fours", "forward lunge",
        "kneeling on left knee", "phoning",
        "hip bridge", "plank", "forearm plank", "side plank", "headstand", "hanging from a bar", "sitting cross-legged",
    ):  # fmt: skip
        main = LIBRARY.by_name[name]
        kinds = [kind for kind in ("arms", "arm", "legs", "leg") if LIBRARY.fragments_for(kind, main)]
        assert kinds, name


def test_low_postures_take_fragments_of_the_legs():
    for name in (
        "forward lunge", "deep lunge", "kneeling on left knee", "kneeling on right knee", "sitting cross-legged",
        "sitting legs stretched", "sitting slumped", "lying on back", "lying on front", "sphinx", "lying on left side",
        "lying on right side", "all fours", "hip bridge", "plank", "forearm plank", "side plank", "headstand",
        "pull-up",
    ):  # fmt: skip
        main = LIBRARY.by_name[name]
        fitting = [entry for kind in ("legs", "leg") for entry in LIBRARY.fragments_for(kind, main)]
        assert len(fitting) >= 2, name


def test_a_posture_may_be_stated_by_its_joints_except_what_its_fragments_place():
    rng = np.random.default_rng(17)
    fours, arm = LIBRARY.by_name["all fours"], LIBRARY.by_name["all fours left arm ahead"]

    def stated(composition):
        wordings = [composition.compose_caption(rng) for _ in range(300)]
        return {phrase for wording in wordings for phrase in wording.phrases if phrase in fours.statements}

    assert len(fours.statements) > 2
    assert stated(Composition((fours,))) == set(fours.statements)
    assert not any(re.search(r"\b(?:hands?|arms?)\b", phrase) for phrase in stated(Composition((fours, arm))))
    assert any(re.search(r"\bback\b", phrase) for phrase in stated(Composition((fours,))))


def test_a_fragment_of_the_legs_replaces_what_the_posture_says_of_them():
    chair, leg = LIBRARY.by_name["sitting on a chair"], LIBRARY.by_name["seated left leg stretched"]
    composition = Composition((chair, leg))
    assert "feet on floor" in chair.conditions
    assert set(composition.conditions) == set(leg.conditions)
    kneeling = Composition((LIBRARY.by_name["kneeling"], LIBRARY.by_name["kneeling knees apart"]))
    assert "knees on floor" in kneeling.conditions


def test_a_posture_says_nothing_of_what_its_fragments_place():
    rng = np.random.default_rng(16)
    composition = Composition((LIBRARY.by_name["standing"], LIBRARY.by_name["left knee lifted"]))
    wordings = [composition.compose_caption(rng) for _ in range(200)]
    stand = set(LIBRARY.by_name["standing"].verb_phrases)
    said = {phrase for wording in wordings for phrase in wording.phrases if phrase in stand}
    assert said
    assert not any(re.search(r"\b(?:feet|soles?|legs?)\b", phrase) for phrase in said)


def test_samples_are_balanced_with_no_limb_in_the_trunk():
    rng = np.random.default_rng(15)
    poses = np.concatenate([LIBRARY.sample(rng, 1).clip for _ in range(150)])
    assert is_balanced(poses).mean() >= 0.97
    assert not limb_in_trunk(poses).mean() > 0.01


def test_samples_meet_their_conditions_in_every_frame():
    rng = np.random.default_rng(2)
    held = []
    for _ in range(80):
        sample = LIBRARY.sample(rng, 8)
        held += [parse(text).holds(sample.clip) for text in sample.conditions]
    assert np.mean(held) >= 0.98


def test_samples_are_reproducible():
    first, second = (LIBRARY.sample(np.random.default_rng(7), 12) for _ in range(2))
    assert (first.caption, first.conditions, first.phrases) == (second.caption, second.conditions, second.phrases)
    np.testing.assert_array_equal(first.clip, second.clip)


def test_phrases_without_a_side_state_conditions_on_either_side():
    composition = Composition((LIBRARY.by_name["phoning"],))
    assert "left_hand near head 0.2" in composition.stated_conditions({"phoning"})
    either = composition.stated_conditions(())
    assert "left_hand near head 0.2 or right_hand near head 0.2" in either


def test_sway_keeps_bone_lengths_and_feet_in_place():
    clip = sway(pose({}), 40, np.random.default_rng(3))
    np.testing.assert_allclose(bone_lengths(clip), np.broadcast_to(BONES, (40, 21)), atol=1e-5)
    spread = np.linalg.norm(clip - clip.mean(axis=0), axis=-1).max(axis=0)
    assert spread[[7, 8, 10, 11]].max() < 0.004
    assert 0.001 < spread.max() < 0.05


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dance: {}", "dance"),
        ("whole: {wave: {pose: {}, dose: [x]}}", "dose"),
        ("whole: {wave: {pose: {left_arn: {raise: 3}}}}", "left_arn"),
        ("whole: {wave: {pose: {arms: {rise: 3}}}}", "rise"),
        ("whole: {wave: {pose: {arms: {hand: nose}}}}", "nose"),
        ("whole: {wave: {pose: {arms: {raise: 3, toward: north}}}}", "north"),
        ("whole: {wave: {conditions: [hands abov head]}}", "hands abov head"),
        ("whole: {wave: {pose: {arms: {raise: 3}}, sides: [on the left]}}", "sides"),
    ],
)
def test_a_malformed_entry_is_reported_with_file_and_word(text, word):
    with pytest.raises(InputError, match="mine.yaml") as error:
        read_entries(text, "mine.yaml")
    assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_descriptions_state_conditions_that_hold():
    rng = np.random.default_rng(4)
    joints = np.stack([LIBRARY.compose(rng).joints(rng) for _ in range(60)])
    descriptions = describe(joints, rng)
    assert len(descriptions) == 60
    for pose_, description in zip(joints, descriptions, strict=True):
        assert not re.search(r"[{}<>|]", description.caption)
        assert all(parse(text).holds(pose_[None])[0] for text in description.conditions), description


def test_the_bundled_list_has_100_captions_whose_conditions_the_library_meets():
    lines = (ASSETS / "static_poses.md").read_text(encoding="utf-8").splitlines()
    captions = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    assert len(captions) == len(set(captions)) == 100
    assert all(line.startswith(("#", "- ")) or not line for line in lines)
    scored = yaml.safe_load((ASSETS / "static_poses_conditions.yaml").read_text(encoding="utf-8"))
    assert list(scored) == captions
    rng = np.random.default_rng(5)
    held = []
    for caption in captions:
        composition = Composition(tuple(LIBRARY.by_name[name] for name in scored[caption]["shows"]))
        joints = np.stack([composition.joints(rng) for _ in range(2)])
        assert scored[caption]["conditions"], caption
        held += [parse(text).holds(joints).mean() for text in scored[caption]["conditions"]]
    assert np.mean(held) >= 0.99


def test_details_added_to_a_caption_hold_for_its_pose():
    rng = np.random.default_rng(5)
    raised = LIBRARY.by_name["left arm raised"]
    composition = Composition((LIBRARY.by_name["sitting on a chair"], raised))
    poses = np.stack([composition.joints(rng) for _ in range(200)])
    captions = add_details([("Somebody.", 0)] * 200, poses, rng)
    added = [caption.removeprefix("Somebody") for caption, _ in captions]
    assert all(added)
    assert any("left arm" in text or "left wrist" in text or "left hand" in text for text in added)
    assert not any(
        re.search(r"right (?:hand|wrist) (?:higher|above|raised)|knees? straight|lying", text) for text in added
    )


def test_details_of_one_side_are_used_only_where_the_other_side_differs():
    rng = np.random.default_rng(9)
    both = np.stack([Composition((LIBRARY.by_name["standing"], LIBRARY.by_name["arms raised overhead"])).joints(rng)])
    captions = [caption for caption, _ in add_details([("Somebody.", 0)] * 200, both.repeat(200, axis=0), rng)]
    captions += [description.caption for description in describe(both.repeat(200, axis=0), rng)]
    one_side = re.compile(r"(?:left|right) (?:hand|arm|wrist) (?:raised|above|overhead)")
    assert not any(map(one_side.search, captions))
    assert any("both" in caption for caption in captions)


def test_arms_are_described_as_raised_or_stretched_only_when_straight():
    rng = np.random.default_rng(10)
    straight = Composition((LIBRARY.by_name["standing"], LIBRARY.by_name["arms raised overhead"])).joints(rng)
    bent = straight.copy()
    for elbow, wrist, inward in (("left_elbow", "left_wrist", -0.25), ("right_elbow", "right_wrist", 0.25)):
        bent[JOINT_INDEX[wrist]] = bent[JOINT_INDEX[elbow]] + (inward, 0, 0)
    assert parse("hands above head 0.05").holds(bent[None])[0]
    straight_arms = re.compile(r"(?:arms?|hands) (?:held |both )?(?:raised|up\b|stretched|reaching|extended|straight)")

    def captions_of(joints):
        poses = np.stack([joints] * 300)
        captions = [description.caption for description in describe(poses, rng)]
        return captions + [caption for caption, _ in add_details([("Somebody.", 0)] * 300, poses, rng)]

    assert any(map(straight_arms.search, captions_of(straight)))
    assert not [caption for caption in captions_of(bent) if straight_arms.search(caption)]


def test_a_sample_can_be_rephrased():
    rng = np.random.default_rng(6)
    sample = LIBRARY.sample(rng, 1, held_out=False)
    captions = {caption for caption, _ in (LIBRARY.rephrase(sample, rng) for _ in range(20))}
    assert len(captions) > 5


def test_the_open_side_is_that_of_entries_whose_phrases_do_not_name_it():
    phoning, other = (LIBRARY.by_name[name] for name in ("phoning", "phoning (mirrored)"))
    lifted = next(entry for entry in LIBRARY.entries if entry.name == "left arm raised")
    assert (phoning.side, other.side, lifted.side, LIBRARY.by_name["arms raised overhead"].side) == (1, -1, 1, 0)
    assert Composition((phoning,)).open_side(()) == 1
    assert Composition((other,)).open_side(()) == -1
    assert Composition((other,)).open_side({other.name}) == 0
    assert Composition((other, lifted)).open_side(()) is None
    assert Composition((other, lifted)).open_side({lifted.name}) is None
    assert Composition((phoning, lifted)).open_side({lifted.name}) == 1


def test_training_has_no_ambiguous_captions():
    rng = np.random.default_rng(8)
    samples = [LIBRARY.sample(rng, 1, held_out=False) for _ in range(150)]
    assert all(sample.open_side is not None for sample in samples)
    assert {sample.open_side for sample in samples} == {-1, 0, 1}
