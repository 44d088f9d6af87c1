"""The embedded model's text encoder must read words alone, and each caption for itself."""

import pytest
import torch

from mardm_batch.language.words import MAX_WORDS, split_words, stem
from mardm_batch.model.words import WordEncoder, build_vocabulary

CAPTIONS = ["A person raising the left arm", "a person, squatting: both arms forward!", "kneeling"]


@pytest.fixture
def encoder() -> WordEncoder:
    torch.manual_seed(0)
    vocabulary = build_vocabulary(CAPTIONS, size=100)
    return WordEncoder(vocabulary, size=16, width=8, layers=2, heads=2).eval()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("raise raises raised raising", "rais"),
        ("squat squats squatting", "squat"),
        ("cross crossed crossing", "cros"),
        ("leg legs", "leg"),
        ("string", "string"),
        ("person's person", "person"),
    ],
)
def test_inflections_share_a_stem(words, expected):
    assert {stem(word) for word in words.split()} == {expected}


def test_left_and_right_and_look_alikes_stay_apart():
    words = ["left", "right", "knee", "kneel", "bend", "back", "arm", "up", "one", "on"]
    assert len({stem(word) for word in words}) == len(words)


def test_words_are_split_at_hyphens_and_punctuation_in_any_script():
    assert split_words("Half-kneeling, LEFT arm; 站立") == ["half", "kneeling", "left", "arm", "站立"]


def test_vocabulary_keeps_the_most_frequent_stems():
    assert build_vocabulary(CAPTIONS, size=3) == ("a", "arm", "person")


def test_unknown_words_are_named_as_written_and_once(encoder):
    assert encoder.unknown_words("A Zorbing person raises arms, zorbing a 站立") == [
        "Zorbing",
        "zorbing",
        "站立",
    ]
    assert encoder.unknown_words("kneels") == []
    assert encoder.unknown_words("raises नमस्ते, क्‍ष") == ["नमस्ते", "क्‍ष"]  # with their vowel signs


def test_captions_of_like_length_go_together_without_changing_any(encoder):
    captions = [" ".join(["raising"] * count) for count in (9, 1, 30, 2, 2, 17)]
    seen = []
    hook = encoder.words.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
    together = encoder.encode(captions)
    hook.remove()
    assert sum(rows * words for rows, words in seen) < 0.7 * 6 * 31
    alone = torch.cat([encoder.encode([caption]) for caption in captions])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_a_caption_does_not_depend_on_its_batch(encoder):
    together = encoder.encode([*CAPTIONS, "arm " * 40, ""])
    for caption, vector in zip(CAPTIONS, together, strict=False):
        torch.testing.assert_close(encoder.encode([caption])[0], vector, atol=1e-5, rtol=0)
    assert together.shape == (5, 16)
    assert torch.isfinite(together).all()


def test_word_order_and_words_matter_but_case_does_not(encoder):
    left, order, case = encoder.encode(["left arm person", "arm left person", "LEFT Arm person"])
    assert (left - order).abs().max() > 1e-4
    torch.testing.assert_close(left, case)


def test_a_very_long_caption_is_cut(encoder):
    long, cut = encoder.encode(["left arm " * MAX_WORDS, "left arm " * (MAX_WORDS // 2)])
    torch.testing.assert_close(long, cut)


def test_training_mode_makes_words_unknown(encoder):
    tokens = encoder.tokenize(CAPTIONS[:1])
    encoder.train()
    encoder.word_dropout = 1.0
    dropped = encoder(tokens)
    encoder.eval()
    torch.testing.assert_close(dropped.vectors[0].detach(), encoder.encode(["zig zag zog zug zeg zyg"])[0])


def test_words_of_a_caption_do_not_depend_on_its_batch(encoder):
    together = encoder.read([CAPTIONS[2], "arm " * 40, CAPTIONS[0]])
    assert together.words.shape == (3, 41, 8)
    assert together.present.sum(dim=1).tolist() == [2, 41, 7]
    for row, caption in ((0, CAPTIONS[2]), (2, CAPTIONS[0])):
        alone = encoder.read([caption])
        present = together.present[row]
        torch.testing.assert_close(together.words[row, present], alone.words[0], atol=1e-5, rtol=1e-5)
