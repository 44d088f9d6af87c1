"""Captions that look the same are the same: NFC, and no invisible marks but those that change what is seen."""

import json
from pathlib import Path

import pytest

from mardm_batch.prompts.captions import normalize_caption
from mardm_batch.prompts.prompt_list import read_prompts

ARM = "A person raising the left arm"
FLOOR = "A person sitting on the floor"


@pytest.mark.parametrize(
    "mark",
    [
        "\ufeff",  # byte-order mark
        "\u200b",  # zero-width space
        *("\u200c", "\u200d"),  # joiners between letters that do not join
        *("\u200e", "\u200f", "\u061c", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e"),  # directions
        *("\u2066", "\u2067", "\u2068", "\u2069", "\u206a", "\u206f"),
        *("\u2060", "\u2062", "\u00ad", "\u034f", "\u180e", "\u3164", "\uffa0", "\u115f", "\ufff9", "\U000e0041"),
        *("\ufe0f", "\ufe00", "\U000e0100"),  # variation selectors after what has no variants
    ],
)
def test_invisible_marks_are_dropped_wherever_they_are(mark: str):
    words = ARM.split()
    for text in (
        mark + ARM,
        ARM + mark,
        mark.join(ARM),
        f" {mark}".join(words),
        f"{mark} ".join(words),
        mark * 2 + ARM,
    ):
        assert normalize_caption(text) == ARM


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: a suffix that is not joined
        "\u0647\u200d",  # Arabic: the first form of a letter, in an abbreviation
        "\u0915\u094d\u200d\u0937",  # Devanagari: half a letter instead of a ligature
        "\u0915\u094d\u200c\u0937",  # and a virama that is seen
        "\u0d05\u0d35\u0d28\u0d4d\u200d",  # Malayalam: a letter of its own at the end of a word
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 wave",  # a family
        "\U0001f3c3\U0001f3fd\u200d\u2640\ufe0f runs",  # a woman with a skin colour
        "\u2764\ufe0f\u200d\U0001f525",
        "press 1\ufe0f\u20e3",  # a keycap
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
        "\u845b\U000e0100",  # a variant of a Chinese character
        "\u1820\u180e\u1820",  # Mongolian vowel separator
        "\u1100\u1160",  # Hangul syllable in the making
        "\u4e00\u4e2a\u4eba\u3000\u8dd1\u6b65",  # a space as wide as a character
    ],
)
def test_marks_that_change_what_is_seen_stay(text: str):
    assert normalize_caption(text) == text


@pytest.mark.parametrize(
    ("text", "caption"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\u212b \u2126", "\u00c5 \u03a9"),
        ("e\u200b\u0301", "\u00e9"),
        ("A\u00a0person\u202fsits\u2009down", "A person sits down"),
        ("\u00a0\u200b A person \u200b\u00a0", "A person"),
        ("\u0645\u06cc\u200c \u0631\u0648\u062f", "\u0645\u06cc \u0631\u0648\u062f"),  # nothing follows that could join
        ("\u0645\u06cc\u200c\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("a\r\n  b\n\nc", "a b c"),
    ],
)
def test_one_spelling_of_a_caption(text: str, caption: str):
    assert normalize_caption(text) == caption
    assert normalize_caption(caption) == caption


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{ARM}\n{FLOOR}\n\ufeff{ARM}\n",
        f"\u200b{ARM}\n{ARM}\nA\u00a0person raising the left arm\n{FLOOR}\n",
        f"{ARM}\n{FLOOR}\n\u200f{FLOOR}\u200e\n",
    ],
)
def test_captions_that_differ_invisibly_are_one_pose(tmp_path: Path, text: str):
    (tmp_path / "list.txt").write_text(text, encoding="utf-8")
    found = read_prompts(tmp_path / "list.txt")
    assert [(prompt.name, prompt.caption) for prompt in found.prompts] == [
        ("raising_the_left_arm", ARM),
        ("sitting_on_the_floor", FLOOR),
    ]
    assert found.merged == text.count("\n") - 2


@pytest.mark.parametrize("name", ["list.txt", "list.md", "list.csv", "list.json", "list.jsonl"])
def test_composed_and_decomposed_letters_are_one_caption(tmp_path: Path, name: str):
    both = ["A person in a caf\u00e9 pose", "A person in a cafe\u0301 pose"]
    text = {
        "list.csv": "\n".join(["caption", *both]),
        "list.json": json.dumps(both),
        "list.jsonl": "\n".join(json.dumps({"caption": each}) for each in both),
    }.get(name, "\n".join(both))
    (tmp_path / name).write_text(text, encoding="utf-8")
    (prompt,) = read_prompts(tmp_path / name).prompts
    assert (prompt.name, prompt.caption) == ("in_a_caf\u00e9_pose", both[0])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.md", f"\ufeff\ufeff# Heading\n\ufeff- {ARM}\n\u200b- {FLOOR}\n"),
        ("list.txt", f"\u200b# comment\n\ufeff{ARM}\n\ufeff// comment\n{FLOOR}\n"),
        ("list.csv", f'\ufeff\u200bcaption,id\n\ufeff"{ARM}",1\n{FLOOR},2\n'),
        ("list.tsv", f"id\t\u200bcaption\n1\t{ARM}\n2\t{FLOOR}\n"),
        ("list.jsonl", f'{{"caption": "{ARM}"}}\n\ufeff{{"caption": "{FLOOR}"}}\n'),
        ("list.json", f'\ufeff["{ARM}",\n\ufeff"\\u200b{FLOOR}"]'),
    ],
)
def test_marks_before_a_line_do_not_hide_what_it_is(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [prompt.caption for prompt in read_prompts(tmp_path / name).prompts] == [ARM, FLOOR]
