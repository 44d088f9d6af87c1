"""Lists of other programs and of language models: what is not caption is set aside, and one line says what."""

import json
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mardm_batch.errors import InputError
from mardm_batch.prompts.prompt_list import PromptList, bundled_prompts, read_prompts

ARM = "A person raising the left arm"
FLOOR = "A person sitting on the floor"


def read(folder: Path, text: str, name: str = "list.txt") -> PromptList:
    path = folder / name
    path.write_bytes(text.encode())
    return read_prompts(path)


def captions(folder: Path, text: str, name: str = "list.txt") -> list[str]:
    return [prompt.caption for prompt in read(folder, text, name).prompts]


def lines(*texts: str) -> str:
    return "\n".join(texts) + "\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # MARDM, MoMask: the length after #
        ("A person raising both arms#120\na person sitting cross-legged.#NA\n",
         ["A person raising both arms", "a person sitting cross-legged."]),
        (f"{ARM}#196", [ARM]),
        (f"{ARM} #120\n{FLOOR} # 64\n", [ARM, FLOOR]),
        # HumanML3D: words with parts of speech, and the times of the part of the clip
        ("a person lifts the left knee.#a/DET person/NOUN lift/VERB the/DET left/ADJ knee/NOUN#0.0#0.0\n"
         "a person lies on the back.#a/DET person/NOUN lie/VERB on/ADP the/DET back/NOUN#1.5#nan\n",
         ["a person lifts the left knee.", "a person lies on the back."]),
        ("he sits#he/PRON sit/VERB", ["he sits"]),
        # MLD: the length before
        (lines("60 a person sits", "64 walks in place", "196 2 people hug"),
         ["a person sits", "walks in place", "2 people hug"]),
        ("60 A person standing", ["A person standing"]),
        # ids before (and after) a tab, before a bar
        (f"000001\t{ARM}\nM000002\t{FLOOR}\n", [ARM, FLOOR]),
        (f"id\tcaption\n1\t{ARM}\n2\t{FLOOR}\n", [ARM, FLOOR]),
        (f"{ARM}\t000001\n{FLOOR}\t000002\n", [ARM, FLOOR]),
        (f"1|{ARM}\n2 | {FLOOR}\n", [ARM, FLOOR]),
        (f"pose_a|{ARM}\npose_b|{FLOOR}\n", [ARM, FLOOR]),
        # class codes
        ("A1. drink water\nA12. eat meal\n", ["drink water", "eat meal"]),
        ("A001: drink water\nA012: eat meal\n", ["drink water", "eat meal"]),
        ("P07 drink water", ["drink water"]),
        # bullets, numbers, quotation marks
        (f"- {ARM}\n* {FLOOR}\n\u2022 A person standing\n", [ARM, FLOOR, "A person standing"]),
        (f"-{ARM}\n-{FLOOR}\n", [ARM, FLOOR]),
        (f"\u2022{ARM}\n\u25cf\u00a0{FLOOR}\n", [ARM, FLOOR]),
        (f"1. {ARM}\n2) {FLOOR}\n(3) A person lying\n[4] A person\n", [ARM, FLOOR, "A person lying", "A person"]),
        (f"1: {ARM}\n2 - {FLOOR}\n", [ARM, FLOOR]),
        (f"#1 {ARM}\n#2 {FLOOR}\n", [ARM, FLOOR]),
        (f"a) {ARM}\nb) {FLOOR}\n", [ARM, FLOOR]),
        (f"1 {ARM}\n2 {FLOOR}\n3 A person lying\n", [ARM, FLOOR, "A person lying"]),
        (f"Here are some poses:\n\n1. {ARM}\n2. {FLOOR}\n", [ARM, FLOOR]),
        (f"Pose 1: {ARM}\nPose 2: {FLOOR}\n", [ARM, FLOOR]),
        (f"> {ARM}\n> {FLOOR}\n", [ARM, FLOOR]),
        (f"- [ ] {ARM}\n- [x] {FLOOR}\n", [ARM, FLOOR]),
        (f'"{ARM}"\n\u201c{FLOOR}\u201d\n', [ARM, FLOOR]),
        (f'"{ARM}",\n\'{FLOOR}\',\n', [ARM, FLOOR]),
        (f'1. "{ARM}"\n2. "{FLOOR}"\n', [ARM, FLOOR]),
        ("\u300c\u8dd1\u300d\n", ["\u8dd1"]),
        (f"1\u3001{ARM}\n\u4e8c\u3001{FLOOR}\n", [ARM, FLOOR]),
        (f"\uff083\uff09{ARM}\n\u2463 {FLOOR}\n", [ARM, FLOOR]),
        (f'[\n"{ARM}",\n"{FLOOR}"\n]\n', [ARM, FLOOR]),
        (f"1,{ARM}\n2, {FLOOR}\n", [ARM, FLOOR]),
        (f"00001.npy|{ARM}\n", [ARM]),
        # comment lines and rules
        (f"# arms\n{ARM}\n// legs\n{FLOOR}\n; x\n---\n", [ARM, FLOOR]),
        (f"#arms\n{ARM}\n =====\n\n***\n//\n{FLOOR}\n```\n", [ARM, FLOOR]),
        # more than one
        (f"# MoMask\n1. {ARM}#120\n2. {FLOOR}#NA\n", [ARM, FLOOR]),
    ],
)  # fmt: skip
def test_what_is_not_caption_is_set_aside(tmp_path: Path, text: str, expected: list[str]):
    found = read(tmp_path, text)
    assert [prompt.caption for prompt in found.prompts] == expected
    (warning,) = found.warnings
    assert warning.startswith(f"{tmp_path / 'list.txt'}: set aside, not part of captions: ")


@pytest.mark.parametrize(
    "text",
    [
        lines("A person at #1", "A person at #2", "A person at #3"),
        lines("turns left #20", "turns left #21", "turns left #22"),
        lines("2 people hug", "3 people dance", "12 people wave"),
        lines("1 person sits", "2 people sit", "3 people sit"),
        lines("90 degrees of rotation"),
        lines("sits#120", "stands", "lies#NA"),
        lines("1|sits", "stands", "lies"),
        lines("A12. drink water", "stands"),
        lines("- sits", "stands"),
        lines('"sits"', "stands", "lies"),
        lines('"Stop" and "go"'),
        lines("sits | stands"),
        lines("left and right / up and down", "A person's arms: up", "a C# programmer", "sits; arms up"),
        lines("T-pose", "A-pose"),
        lines("a person sits", "an arm. a leg"),
        lines("180° turn", "5.5 seconds of waiting", "3-point stance"),
    ],
)
@pytest.mark.parametrize("name", ["list.txt", "list.md"])
def test_captions_that_only_resemble_a_form_stay(tmp_path: Path, text: str, name: str):
    if name.endswith(".md"):
        text = text.replace("- sits", "\\- sits")
    expected = [line.lstrip("\\") for line in text.splitlines()]
    found = read(tmp_path, text, name)
    assert [prompt.caption for prompt in found.prompts] == expected
    assert found.warnings == ()


@pytest.mark.parametrize(("with_form", "taken"), [(10, True), (9, True), (8, False), (5, False)])
def test_a_form_is_taken_for_one_where_nearly_all_lines_have_it(tmp_path: Path, with_form: int, taken: bool):
    poses = [f"pose {chr(97 + number)}" for number in range(10)]
    for number, (before, after) in enumerate([("", "#120"), (f"{7}|", ""), ("A12. ", ""), ("- ", ""), ('"', '"')]):
        text = lines(*(f"{before}{pose}{after}" if n < with_form else pose for n, pose in enumerate(poses)))
        found = read(tmp_path, text)
        assert ([prompt.caption for prompt in found.prompts] == poses) == taken, number
        assert len(found.warnings) == taken
        assert not taken or f" {with_form} of 10 " in found.warnings[0]


def test_one_line_says_what_was_set_aside_and_how_often(tmp_path: Path):
    found = read(tmp_path, f"# arms\n# more\n---\n- {ARM}#120\n- {FLOOR}#NA\n")
    assert found.warnings == (
        f"{tmp_path / 'list.txt'}: set aside, not part of captions: 2 comment lines; 1 rule; "
        "bullets or numbers of 2 of 2 lines; the length after # of 2 of 2 captions",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"Here are 2 captions:\n1. {ARM}\n2. {FLOOR}\n", "1 introductory line"),
        (f"1. {ARM}\nOn the floor:\n2. {FLOOR}\n", "1 heading"),
        (f"Standing:\n1. {ARM}\nOn the floor:\n2. {FLOOR}\n", "2 headings"),
    ],
)
def test_a_line_before_a_list_is_no_heading(tmp_path: Path, text: str, words: str):
    found = read(tmp_path, text)
    assert [prompt.caption for prompt in found.prompts] == [ARM, FLOOR]
    assert found.warnings[0].endswith(f"2 of 2 lines; {words}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.md", f"# List\n- {ARM}#120\n- {FLOOR}#NA\n"),
        ("list.md", f"{ARM}#a/DET person/NOUN#0.0#0.0\n{FLOOR}#a/DET person/NOUN#0.0#0.0\n"),
        ("list.md", f"\u2022 {ARM}\n\u2022 {FLOOR}\n"),
        ("list.md", f"(1) {ARM}\n(2) {FLOOR}\n"),
        ("list.md", f"-\u00a0{ARM}\n2.\u00a0{FLOOR}\n"),
        ("list.csv", f"caption,id\n{ARM}#120,1\n{FLOOR}#64,2\n"),
        ("list.json", f'["{ARM}#120", "{FLOOR}#64"]'),
        ("list.jsonl", f'{{"text": "{ARM}#120"}}\n{{"text": "{FLOOR}#64"}}\n'),
    ],
)
def test_forms_are_the_same_in_all_kinds_of_files(tmp_path: Path, name: str, text: str):
    assert captions(tmp_path, text, name) == [ARM, FLOOR]


def test_ids_of_lists_are_kept(tmp_path: Path):
    for text in (f"007\t{ARM}", f"007|{ARM}", f"{ARM}\t007"):
        (prompt,) = read(tmp_path, text).prompts
        assert prompt.source == {"id": "007"}
    assert read(tmp_path, "A12. drink water").prompts[0].source == {"id": "A12"}


def test_lines_with_many_cells_are_refused_with_advice(tmp_path: Path):
    with pytest.raises(InputError, match=r"list\.txt:2: 3 cells separated by tabs; save the file as \.tsv"):
        read(tmp_path, f"# x\n1\t{ARM}\t120\n2\t{FLOOR}\t64\n")


def test_a_list_of_comments_alone_has_no_caption(tmp_path: Path):
    with pytest.raises(InputError, match="no caption found"):
        read(tmp_path, "# arms\n# legs\n")


def test_bundled_lists_have_none_of_the_forms():
    for name in ("static_poses.md", "static_poses_10k.md"):
        assert read_prompts(bundled_prompts().with_name(name)).warnings == ()


@pytest.mark.parametrize(
    "line",
    [
        "x#" + "a/b/c/d/e/f/g/h " * 40 + "#!#!#!",
        "x#" + "a/b " * 20_000 + "!",
        "x" + " " * 50_000 + "y",
        "- " * 20_000,
        "1. " * 20_000 + "x",
        "#" * 50_000 + "x#",
        "|" * 50_000,
        "a\t" * 2,
        '"' * 50_000,
    ],
)
def test_hostile_lines_take_no_time(tmp_path: Path, line: str):
    start = time.process_time()
    for name in ("list.txt", "list.csv", "list.json"):
        text = json.dumps([line, f"{ARM}\n{' ' * 50_000}x\ny"]) if name.endswith(".json") else line
        with suppress(InputError):
            read(tmp_path, text, name)
    assert time.process_time() - start < 2
