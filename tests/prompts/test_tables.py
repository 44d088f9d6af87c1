"""Prompt files with columns or keys: delimiters, headers, JSON, Parquet, and the columns that are kept."""

import builtins
import datetime
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mardm_batch.errors import InputError
from mardm_batch.prompts.prompt_list import PromptList, read_prompts

ARM = "A person raising the left arm"
FLOOR = "A person sitting on the floor"


def read(folder: Path, text: str | bytes, name: str, column: str | None = None) -> PromptList:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_prompts(path, column)


def rows(folder: Path, text: str | bytes, name: str, column: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    return [(prompt.caption, dict(prompt.source)) for prompt in read(folder, text, name, column).prompts]


def error(folder: Path, text: str | bytes, name: str, column: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, text, name, column)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{folder}{os.sep}")


# --- CSV and TSV ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", f"id,prompt\n1,{ARM}\n", [(ARM, {"id": "1"})]),
        ("a.csv", f"id;prompt\n1;{ARM}\n2;{FLOOR}\n", [(ARM, {"id": "1"}), (FLOOR, {"id": "2"})]),
        ("a.csv", f"sep=;\ncaption;id\n{ARM};1\n", [(ARM, {"id": "1"})]),
        ("a.csv", f'"sep=,"\r\ncaption,id\r\n"{ARM}, palm up",1\r\n', [(f"{ARM}, palm up", {"id": "1"})]),
        ("a.csv", f"SEP=|\nid|text\n1|{ARM}\n", [(ARM, {"id": "1"})]),
        ("a.csv", f"sep=\t\nid\ttext\n1\t{ARM}\n", [(ARM, {"id": "1"})]),
        ("a.csv", f"id\tcaption\n1\t{ARM}, palm up; slowly\n", [(f"{ARM}, palm up; slowly", {"id": "1"})]),
        ("a.csv", f'"id";"Text"\n"1";"{ARM}; ""slowly"""\n', [(f'{ARM}; "slowly"', {"id": "1"})]),
        ("a.csv", f"caption,,note\n{ARM},a,\n", [(ARM, {"column_2": "a", "note": ""})]),
        ("a.csv", f"caption,id\n{ARM},1,,\n\n,,\n{FLOOR},2\n", [(ARM, {"id": "1"}), (FLOOR, {"id": "2"})]),
        ("a.csv", f"id|caption\n1|{ARM}\n", [(ARM, {"id": "1"})]),
        ("a.csv", f"caption;\n{ARM};\n{FLOOR};x\n", [(ARM, {}), (FLOOR, {"column_2": "x"})]),
        ("a.csv", f"caption\n{ARM}; slowly\n{FLOOR}\n", [(f"{ARM}; slowly", {}), (FLOOR, {})]),
        ("a.csv", f"{ARM}; slowly\n{FLOOR}; slowly\n", [(f"{ARM}; slowly", {}), (f"{FLOOR}; slowly", {})]),
        ("a.tsv", f"id\tcaption\n1\t{ARM}, palm up\n", [(f"{ARM}, palm up", {"id": "1"})]),
        ("a.tsv", f'id\tcaption\n1\t"{ARM}"\n2\t"{FLOOR}\tx"\n', [(ARM, {"id": "1"}), (f"{FLOOR}\tx", {"id": "2"})]),
        ("a.tsv", 'caption\tid\n"No" sign\t1\n5" tall\t2\n', [('"No" sign', {"id": "1"}), ('5" tall', {"id": "2"})]),
        ("a.tsv", f"caption,id\n{ARM},1\n", [(ARM, {"id": "1"})]),
    ],
)  # fmt: skip
def test_the_delimiter_is_found_and_other_columns_are_kept(
    tmp_path: Path, name: str, text: str, expected: list[tuple[str, dict[str, str]]]
):
    assert rows(tmp_path, text, name) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", f"{ARM}, palm up\n{FLOOR}\n", "a.csv:1: 2 cells separated by commas, and no header; put each"),
        ("a.csv", f"{ARM}, palm up\n{FLOOR}, smiling\n", "a.csv:1: 2 cells separated by commas, and no header; put"),
        ("a.csv", f"caption,Caption\n{ARM},x\n", "a.csv:1: several columns are named"),
        ("a.csv", f"caption\n{ARM}, palm up\n", "a.csv:2: 2 cells where the header has 1; put each"),
        ("a.csv", f"1,{ARM}\n2,{FLOOR}\n", "a.csv:1: 2 cells separated by commas, and no header; name the"),
        ("a.csv", f"1;{ARM}\n2;{FLOOR}\n", "a.csv:1: 2 cells separated by semicolons, and no header; name the"),
        ("a.csv", f"id;pose\n1;{ARM}\n2;{FLOOR}\n", "a.csv:1: no column 'caption', 'text' or 'prompt' among 'id', 'po"),
        ("a.csv", f"id;caption\n1;{ARM}; slowly\n", "a.csv:2: 3 cells where the header has 2; put each caption that"),
        ("a.csv", f"sep=;\nid;caption\n1;{ARM};\n\n2;a;b\n", "a.csv:5: 3 cells where the header has 2"),
        ("a.tsv", f"id\tpose\n1\t{ARM}\n", "a.tsv:1: no column 'caption', 'text' or 'prompt' among 'id', 'pose'"),
        ("a.tsv", f"id\tcaption\n1\t{ARM}\tx\n", "a.tsv:2: 3 cells where the header has 2; put each caption that"),
    ],
)  # fmt: skip
def test_messages_about_tables_say_what_is_wrong(tmp_path: Path, name: str, text: str, message: str):
    assert error(tmp_path, text, name).startswith(message)


CAPTION_AND_POSE = {"a.csv": f"caption,Pose,id\nx,{ARM},1\n", "a.tsv": f"caption\tPose\tid\nx\t{ARM}\t1\n"}
CAPTION_AND_POSE["a.jsonl"] = json.dumps({"caption": "x", "Pose": ARM, "id": "1"})
CAPTION_AND_POSE["a.json"] = f"[{CAPTION_AND_POSE['a.jsonl']}]"
CAPTION_AND_POSE["a.md"] = f"| caption | Pose | id |\n|---|---|---|\n| x | {ARM} | 1 |\n"


@pytest.mark.parametrize("name", CAPTION_AND_POSE)
@pytest.mark.parametrize("column", ["Pose", "pose"])
def test_the_column_of_captions_can_be_named(tmp_path: Path, name: str, column: str):
    expected = [(ARM, {"caption": "x", "id": "1"})]
    assert rows(tmp_path, CAPTION_AND_POSE[name], name, column) == expected
    assert rows(tmp_path, CAPTION_AND_POSE[name], name) == [("x", {"Pose": ARM, "id": "1"})]


@pytest.mark.parametrize("name", CAPTION_AND_POSE)
def test_a_named_column_that_is_missing_is_an_error(tmp_path: Path, name: str):
    message = error(tmp_path, CAPTION_AND_POSE[name], name, "sentence")
    assert " 'sentence' among 'caption', 'Pose', 'id'; set prompts.column" in message
    assert "no columns; leave prompts.column out" in error(tmp_path, ARM, "a.txt", "sentence")
    assert "no columns; leave prompts.column out" in error(tmp_path, f"- {ARM}", "a.md", "sentence")


# --- JSON ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([ARM, f" {FLOOR}\n"], [(ARM, {}), (FLOOR, {})]),
        ([{"Prompt": ARM, "id": 1, "tags": ["a", None]}], [(ARM, {"id": 1, "tags": ["a", None]})]),
        ([ARM, {"text": FLOOR}], [(ARM, {}), (FLOOR, {})]),
        ({"0": [ARM]}, [(ARM, {"id": "0"})]),
        ({"0": ARM, "7": [FLOOR, "A person"]}, [(ARM, {"id": "0"}), (FLOOR, {"id": "7"}), ("A person", {"id": "7"})]),
        ({"a": {"caption": ARM, "length": 3.5}}, [(ARM, {"id": "a", "length": 3.5})]),
        ({"a": [{"caption": ARM}, {"caption": FLOOR}]}, [(ARM, {"id": "a"}), (FLOOR, {"id": "a"})]),
        ({"captions": [ARM, FLOOR]}, [(ARM, {}), (FLOOR, {})]),
        ({"data": [{"caption": ARM, "id": 3}]}, [(ARM, {"id": 3})]),
        ({"caption": ARM, "id": True}, [(ARM, {"id": True})]),
        ([{"sentence": ARM}], [(ARM, {})]),
        ([{"caption": [ARM, FLOOR], "id": 1}], [(ARM, {"id": 1}), (FLOOR, {"id": 1})]),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_a_list_or_an_object_of_captions(
    tmp_path: Path, document: Any, expected: list[Any], indent: int | None
):
    assert rows(tmp_path, json.dumps(document, indent=indent), "a.json") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["a",\n "b"\n "c"]', "a.json:3: not JSON (Expecting ',' delimiter, character 2)"),
        ('{"caption": "a"}\n{"caption": "b"}\n', "a.json:2: not JSON (Extra data, character 1); save it as .jsonl"),
        ('"a"', "a.json:1: neither a list nor an object"),
        ('[\n"a",\n7]', "a.json:3: not a string: '7'"),
        ('{\n"a": "b",\n"c": null}', "a.json:3: not a string: 'null'"),
        ('["a",\n["b", ["c"]]]', "a.json:2: a list in a list"),
        ('["a",\n{"id": 1, "pose": "b"}]', "a.json:2: no key 'caption', 'text' or 'prompt' among 'id', 'pose'"),
        ('["a",\n{"caption": 1}]', "a.json:2: 'caption' is not a string"),
        ('["a",\n"b\\u0000"]', "a.json:2: NUL \\u0000 in 'b\\x00'; remove it"),
        ('["a",\n"b\\ud800"]', "a.json:2: half of a surrogate pair"),
        ('{"a": "b",\n"a": "c"}', "a.json:2: the key 'a' occurs twice"),
        ("[" * 100_000, "a.json:1: JSON nested too deeply"),
        ("[]", "a.json: no caption found"),
        ("{}", "a.json: no caption found"),
        (" \n", "a.json: the file is empty"),
    ],
)
def test_malformed_json_is_reported_with_its_line(tmp_path: Path, text: str, message: str):
    assert error(tmp_path, text, "a.json").startswith(message)


@pytest.mark.parametrize("digits", [20, 400, 5000])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_number_beyond_64_bits_is_named_as_what_it_is(tmp_path: Path, digits: int, name: str):
    record = f'{{"caption": "{FLOOR}", "id": -{"9" * digits}}}'
    first = json.dumps({"caption": ARM, "id": 2**63 - 1})
    text = f"[{first},\n{record}]" if name == "a.json" else f"{first}\n{record}\n"
    message = error(tmp_path, text, name)
    assert message.startswith(f"{name}:2: ")
    assert f"a whole number of {digits:,} digits, which does not fit into 64 bits; write it in double quotes" in message


def test_other_columns_are_plain_json(tmp_path: Path):
    text = f'{{"caption": "{ARM}", "a": NaN, "b": [1e999, 1.5], "c": {{"d": -Infinity}}, "e": {2**63 - 1}}}'
    assert rows(tmp_path, text, "a.jsonl") == [(ARM, {"a": None, "b": [None, 1.5], "c": {"d": None}, "e": 2**63 - 1})]
    text = f'{{"caption": "{ARM}", "note": ["\\ud800"]}}'
    assert error(tmp_path, text, "a.jsonl").startswith("a.jsonl:1: 'note' has half of a surrogate pair")
    text = f'{{"caption": "{ARM}", "caption": "{FLOOR}"}}'
    assert error(tmp_path, text, "a.jsonl").startswith("a.jsonl:1: the key 'caption' occurs twice")


def test_a_repeated_caption_keeps_the_columns_of_its_first_row(tmp_path: Path):
    assert rows(tmp_path, f"caption,id\n{ARM},1\n{ARM},2\n", "a.csv") == [(ARM, {"id": "1"})]


def test_columns_of_markdown_tables_are_kept(tmp_path: Path):
    text = f"{FLOOR}\n\n| id | prompt | *note* |\n|---|---|---|\n| 1 | {ARM} | `x` |\n| 2 | A person |\n"
    expected = [(FLOOR, {}), (ARM, {"id": "1", "note": "x"}), ("A person", {"id": "2", "note": ""})]
    assert rows(tmp_path, text, "a.md") == expected


# --- Control characters and other encodings ------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.tsv", "a.json", "a.jsonl"])
@pytest.mark.parametrize("character", ["\0", "\x01", "\x08", "\x0b", "\x0c", "\x1a", "\x1b", "\x7f", "\x85", "\x9b"])
def test_control_characters_are_refused_with_file_and_line(tmp_path: Path, name: str, character: str):
    message = error(tmp_path, f"{ARM}\r\n{FLOOR} and{character} leaning", name)
    kind = "NUL" if character == "\0" else "control character"
    place = f"as character {len(FLOOR) + 5} of this line"
    assert message == f"{name}:2: {kind} (U+{ord(character):04X}) {place}; remove it"


@pytest.mark.parametrize("escape", ["\\u0000", "\\u001b", "\\b", "\\f", "\\u007f", "\\u0085"])
def test_escaped_control_characters_in_captions_are_refused(tmp_path: Path, escape: str):
    for name, text in (
        ("a.json", f'["{ARM}",\n"a{escape}"]'),
        ("a.jsonl", f'{{"text": "b"}}\n{{"text": "a{escape}"}}'),
    ):
        assert error(tmp_path, text, name).startswith(f"{name}:2: ")


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.tsv", "a.json", "a.jsonl"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_other_unicode_encodings_are_named(tmp_path: Path, name: str, encoding: str):
    message = error(tmp_path, f"{ARM}\r\n{FLOOR}\r\n".encode(encoding), name)
    assert message.startswith(f"{name}:1: ")
    assert f"looks like {encoding[:6].upper()}" in message
    assert "save " in message
    assert "as UTF-8" in message


def test_utf_16_without_a_mark_is_refused_in_any_language(tmp_path: Path):
    for text in (
        ARM,
        "\u8dd1\u6b65\n\u5750\u4e0b\n",
        "\u0447\u0435\u043b\u043e\u0432\u0435\u043a \u0441\u0438\u0434\u0438\u0442",
    ):
        for encoding in ("utf-16-le", "utf-16-be"):
            assert error(tmp_path, text.encode(encoding), "a.txt").startswith("a.txt:")


# --- Parquet -------------------------------------------------------------------------------------------


def parquet(folder: Path, **columns: Any) -> Path:
    pyarrow, writer = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    writer.write_table(pyarrow.table(columns), folder / "a.parquet")
    return folder / "a.parquet"


def test_captions_and_columns_of_parquet(tmp_path: Path):
    day, time = datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5)
    path = parquet(
        tmp_path,
        id=[7, 8],
        Caption=[ARM, FLOOR],
        share=[0.5, float("nan")],
        day=[day, None],
        time=[time, time],
        tags=[["a"], []],
        joints=[{"x": 1.0}, {"x": 2.0}],
        picture=[{"bytes": b"\x89PNG", "path": "a.png"}] * 2,
    )
    found = read_prompts(path)
    assert [(prompt.caption, prompt.source) for prompt in found.prompts] == [
        (ARM, {"id": 7, "share": 0.5, "day": "2026-01-02", "time": "2026-01-02T03:04:05", "tags": ["a"],
               "joints": {"x": 1.0}}),
        (FLOOR, {"id": 8, "share": None, "day": None, "time": "2026-01-02T03:04:05", "tags": [], "joints": {"x": 2.0}}),
    ]  # fmt: skip
    assert found.warnings == (f"{path}: set aside, not part of captions: binary column 'picture'",)


def test_the_caption_column_of_parquet_may_be_the_only_one_or_named_or_hold_lists(tmp_path: Path):
    assert [p.caption for p in read_prompts(parquet(tmp_path, sentence=[ARM, FLOOR])).prompts] == [ARM, FLOOR]
    assert [p.caption for p in read_prompts(parquet(tmp_path, a=[ARM], b=["x"]), "a").prompts] == [ARM]
    assert [p.caption for p in read_prompts(parquet(tmp_path, text=[[ARM, FLOOR]])).prompts] == [ARM, FLOOR]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [ARM], "b": ["x"]}, "a.parquet: no column 'caption', 'text' or 'prompt' among 'a', 'b'"),
        ({"caption": [ARM, None]}, "a.parquet: row 2: 'caption' is not a string"),
        ({"caption": [1]}, "a.parquet: row 1: 'caption' is not a string"),
        ({"caption": [ARM, "a\0"]}, "a.parquet: row 2: 'caption' has NUL"),
        ({"caption": [""]}, "a.parquet: no caption found"),
    ],
)
def test_malformed_parquet_columns_are_reported(tmp_path: Path, columns: dict[str, Any], message: str):
    path = parquet(tmp_path, **columns)
    with pytest.raises(InputError) as caught:
        read_prompts(path)
    assert str(caught.value).removeprefix(f"{tmp_path}{os.sep}").startswith(message)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"caption\na\n"])
def test_a_file_that_is_no_parquet_is_one_line(tmp_path: Path, content: bytes):
    pytest.importorskip("pyarrow")
    assert error(tmp_path, content, "a.parquet").startswith("a.parquet: not a valid Parquet file (")


def test_without_pyarrow_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    original = builtins.__import__

    def without_pyarrow(name: str, *arguments: Any) -> Any:
        if name.partition(".")[0] == "pyarrow":
            raise ImportError(name)
        return original(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    message = error(tmp_path, b"PAR1", "a.parquet")
    assert message.startswith(
        "a.parquet: reading .parquet needs the package pyarrow; pip install 'mardm-batch[parquet]'"
    )
