"""The captions of prompt files in each format, their names, and the messages about malformed files."""

import json
import os
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt, file_name, is_name_of, name_prompts
from mardm_batch.prompts.prompt_file import Entry, PromptFile
from mardm_batch.prompts.prompt_list import PromptList, bundled_prompts, read_prompts
from mardm_batch.prompts.readers import READERS


def read(folder: Path, text: str | bytes, name: str = "prompts.md") -> PromptList:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_prompts(path)


def captions(folder: Path, text: str | bytes, name: str = "prompts.md") -> list[str]:
    return [prompt.caption for prompt in read(folder, text, name).prompts]


def named(texts: list[str]) -> tuple[Prompt, ...]:
    return name_prompts(map(Entry, texts))


def error(folder: Path, text: str | bytes, name: str = "prompts.md") -> str:
    """The message about a malformed file, starting with the file's name."""
    with pytest.raises(InputError) as caught:
        read(folder, text, name)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(str(folder / name))
    return message.removeprefix(f"{folder}{os.sep}")


# --- Markdown ------------------------------------------------------------------------------------------


def test_markdown_list_items_table_cells_and_plain_lines_are_captions(tmp_path: Path):
    text = """\
# Heading
Plain line
    indented line
***
> a quote
> - with a list

- bulleted
  1. nested and numbered
- [ ] open task
* [x] done task

7. numbered

```python
code = 1
```

| id | Caption |
|----|---------|
| 1  | in a cell |
| 2  | |

----
## Second heading ##
<!-- a comment
- hidden

still hidden -->
Last line
"""
    assert captions(tmp_path, text) == [
        "Plain line",
        "indented line",
        "bulleted",
        "nested and numbered",
        "open task",
        "done task",
        "numbered",
        "in a cell",
        "Last line",
    ]


@pytest.mark.parametrize(
    ("source", "caption"),
    [
        ("**Bold** and *slanted* and __both__ _marks_ ~~struck~~", "Bold and slanted and both marks struck"),
        ("the word `kneel` [linked](http://example.org)", "the word kneel linked"),
        ("![a drawing](pose.png) of a squat", "a drawing of a squat"),
        (r"2 \* 3 \_exact\_ \# sign", "2 * 3 _exact_ # sign"),
        ("2 * 3 with snake_case and 5 < 6", "2 * 3 with snake_case and 5 < 6"),
        ("a <b>bold</b> <script>alert(1)</script> person", "a <b>bold</b> <script>alert(1)</script> person"),
        ("<div>a person</div>", "<div>a person</div>"),
        ("<script>", "<script>"),
        ("R&amp;D *&lt;tag&gt;*", "R&amp;D &lt;tag&gt;"),
        ('straight "quotes" -- and (c) ... stay', 'straight "quotes" -- and (c) ... stay'),
        ("www.example.org stays", "www.example.org stays"),
        ("sits<!-- was: stands -->", "sits"),
        ("<!-- note --> sits", "sits"),
        ("[squat]: low", "[squat]: low"),
        ("#hashtag is no heading", "#hashtag is no heading"),
        ("一个人在跑步", "一个人在跑步"),
    ],
)
@pytest.mark.parametrize("mark", ["", "- ", "12. ", "| caption |\n|---|\n| "])
def test_markdown_markup_is_removed_and_text_is_kept(tmp_path: Path, mark: str, source: str, caption: str):
    end = " |" if "|" in mark else ""
    assert captions(tmp_path, f"{mark}{source}{end}\n") == [caption]


def test_a_hard_wrapped_list_item_is_one_caption(tmp_path: Path):
    text = "- a person\n  bends\nfar  \n  back\\\n  slowly\n- a person *sits\n  down* alone\n"
    assert captions(tmp_path, text) == ["a person bends far back slowly", "a person sits down alone"]


def test_every_line_of_a_plain_paragraph_is_its_own_caption(tmp_path: Path):
    assert captions(tmp_path, "a *star\nand* b\n3. c\n-\nd\n") == ["a *star", "and* b", "c", "d"]


def test_front_matter_is_not_a_caption_and_is_warned_about(tmp_path: Path):
    front_matter = "---\ntitle: Poses\ntags:\n- still\n# yes\nlicense: mit\nby:\n  - me\n\n---\n"
    found = read(tmp_path, f"{front_matter}\n# Poses\n- one\n---\ntwo: three\n---\n")
    assert [prompt.caption for prompt in found.prompts] == ["one", "two: three"]
    assert "front matter" in found.warnings[0]
    assert captions(tmp_path, "---\nA person: sits\n---\n") == ["A person: sits"]
    assert captions(tmp_path, "---\n- one\n---\ntwo\n") == ["one", "two"]
    with pytest.raises(InputError, match=r"prompts\.md:6: this code fence"):
        captions(tmp_path, "---\ntitle: Poses\n---\none\n\n```\n")


def test_a_rule_below_a_line_does_not_make_it_a_heading(tmp_path: Path):
    assert captions(tmp_path, "one\n---\ntwo\n===\nthree\n") == ["one", "two", "three"]


def test_task_marks_are_removed_only_at_the_start_of_list_items(tmp_path: Path):
    assert captions(tmp_path, "- \\[ ] a\n- b [x] c\n- [y] d\n\n[ ] e\n") == [
        "[ ] a",
        "b [x] c",
        "[y] d",
        "[ ] e",
    ]


def test_captions_around_comments_of_several_lines_are_kept(tmp_path: Path):
    text = "<!-->\n- a\n<!-- x\n\n- y\n\n  z --> b\n- c\n- d\n  <!--\n  - e\n-->\n  f\n<!-- g -->\nh\n"
    assert captions(tmp_path, text) == ["a", "b", "c", "d", "f", "h"]


@pytest.mark.parametrize("header", ["caption", "CAPTION", "text", "**Text**"])
def test_captions_of_a_table_are_those_of_its_caption_column(tmp_path: Path, header: str):
    text = f"| id | {header} | note |\n|---|:-:|---|\n| 1 | a \\| b | x |\n2 | c\n"
    assert captions(tmp_path, text) == ["a | b", "c"]


def test_a_table_prefers_caption_to_text_and_else_uses_its_only_column(tmp_path: Path):
    assert captions(tmp_path, "| text | caption |\n|---|---|\n| a | b |\n") == ["b"]
    assert captions(tmp_path, "| pose |\n|---|\n| a |\n") == ["a"]


def test_a_plain_line_right_below_a_table_is_a_caption(tmp_path: Path):
    assert captions(tmp_path, "| id | caption |\n|---|---|\n| 1 | a |\nA person sits\n") == [
        "a",
        "A person sits",
    ]


def test_a_table_without_a_caption_column_is_skipped_with_a_warning(tmp_path: Path):
    found = read(tmp_path, "one\n\n| id | note |\n|---|---|\n| 1 | a |\n")
    assert [prompt.caption for prompt in found.prompts] == ["one"]
    (warning,) = found.warnings
    assert warning.startswith(f"{tmp_path / 'prompts.md'}:3: table skipped")
    assert "'id', 'note'" in warning


def test_captions_may_contain_unicode_line_separators(tmp_path: Path):
    text = "\u3000\n- a\u2028b\n\nc\u2029d\n- g\n\n| caption |\n|---|\n| x | y |\n"
    assert "prompts.md:9: 2 cells" in error(tmp_path, text)
    assert captions(tmp_path, text.replace("x | y", "x")) == ["a\u2028b", "c\u2029d", "g", "x"]


@pytest.mark.parametrize("name", ["prompts.md", "prompts.txt", "prompts.csv", "prompts.jsonl", "PROMPTS.TXT"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_and_line_ends_are_not_part_of_captions(tmp_path: Path, name: str, end: str):
    lines = {".csv": ["caption", "a", "b"], ".jsonl": ['{"caption": "a"}', '{"caption": "b"}']}
    text = end.join(lines.get(Path(name).suffix, ["a", "b"])) + end
    assert captions(tmp_path, b"\xef\xbb\xbf" + text.encode(), name) == ["a", "b"]


# --- The other formats ---------------------------------------------------------------------------------


def test_lines_of_a_text_file_are_captions_unchanged(tmp_path: Path):
    text = "  a *person*  \n\n- *sits*\n\t\nA\u2028B\n"
    assert captions(tmp_path, text, "prompts.txt") == ["a *person*", "- *sits*", "A\u2028B"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('id,Caption ,text\n1,"sits, then ""rests""",x\n\n2,stands,y\n', ['sits, then "rests"', "stands"]),
        ("id,TEXT\n1,sits\n2,\n , \n", ["sits"]),
        ("pose\na person sits\nstands\n", ["a person sits", "stands"]),
        ('caption\n"bends\n  far\n\nback"\n', ["bends far back"]),
        ('caption\n*sits* <b> \\* 5" tall\n', ['*sits* <b> \\* 5" tall']),
    ],
)
def test_captions_of_a_csv_are_those_of_its_caption_column(tmp_path: Path, text: str, expected: list[str]):
    assert captions(tmp_path, text, "prompts.csv") == expected


@pytest.mark.parametrize("first", ["a person sits", "一个人在跑步"])
def test_a_csv_without_a_header_keeps_its_first_caption(tmp_path: Path, first: str):
    found = read(tmp_path, f"{first}\nstands\n", "prompts.csv")
    assert [prompt.caption for prompt in found.prompts] == [first, "stands"]
    assert "prompts.csv:1: one column without a header" in found.warnings[0]


def test_captions_of_jsonl_are_those_of_the_caption_key(tmp_path: Path):
    records = [
        {"id": 1, "caption": " sits ", "text": "x"},
        {"text": "st\u00e4nds\u2028up"},
        {"caption": "a\r\nb"},
    ]
    text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records) + '\n\n{"text": "\\ud83d\\ude00"}'
    assert captions(tmp_path, text, "prompts.jsonl") == ["sits", "ständs\u2028up", "a b", "😀"]


def test_repeated_captions_are_merged(tmp_path: Path):
    found = read(tmp_path, "- a\n- b\n\n  *a*\n- B\n- a\n")
    assert [prompt.caption for prompt in found.prompts] == ["a", "b", "B"]
    assert found.merged == 2


def test_only_lines_marked_as_a_quote_are_a_quote(tmp_path: Path):
    text = "> Notes: two\n> lines\nA person waving\nA person sitting\n- A person lying\n  > note\n- A person kneeling\n"
    assert captions(tmp_path, text) == ["A person waving", "A person sitting", "A person lying", "A person kneeling"]


def test_a_single_word_read_as_a_csv_header_is_warned_about(tmp_path: Path):
    found = read(tmp_path, "waving\nsitting\n", "prompts.csv")
    assert [prompt.caption for prompt in found.prompts] == ["sitting"]
    assert "prompts.csv:1: 'waving' is read as the column's header" in found.warnings[0]


def test_a_further_format_is_one_reader_in_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def read_semicolons(file: PromptFile):
        file.warn(1, "separated by semicolons")
        yield from map(Entry, file.text.split(";"))

    monkeypatch.setitem(READERS, ".semi", read_semicolons)
    found = read(tmp_path, "sits; stands;", "prompts.semi")
    assert [prompt.caption for prompt in found.prompts] == ["sits", "stands"]
    assert found.warnings == (f"{tmp_path / 'prompts.semi'}:1: separated by semicolons",)


# --- Malformed files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("prompts.md", "", "prompts.md: the file is empty"),
        ("prompts.txt", "\ufeff \n\n", "prompts.txt: the file is empty"),
        ("prompts.md", "# Only\n---\n> quotes\n<!-- c -->\n", "prompts.md: no caption found"),
        ("prompts.md", "| a | b |\n|---|---|\n| 1 | 2 |\n", "prompts.md:1: table skipped"),
        ("prompts.csv", "caption\n", "prompts.csv: no caption found"),
        ("prompts.jsonl", '{"caption": " "}\n', "prompts.jsonl: no caption found"),
        ("prompts.txt", b"one\r\ntwo\r\nd\xe9j\xe0\r\n", "prompts.txt:3: byte 2 of this line (0xe9) is not"),
        ("prompts.md", "one".encode("utf-16"), "prompts.md:1: byte 1 of this line (0xff) is not UTF-8"),
        ("prompts.xlsx", "a", "prompts.xlsx: unknown extension '.xlsx'; prompt files are .md"),
        ("prompts", "a", "prompts: has no extension; prompt files are .md, .txt, .csv, .tsv, .jsonl, .json"),
        ("prompts.md", "a\n\n- b\n<!-- c\n\nd\n", "prompts.md:4: this comment is never closed"),
        ("prompts.md", "a\n```\nb\n\nc\n", "prompts.md:2: this code fence is never closed"),
        ("prompts.md", "a\n~~~~\nb\n~~~\n", "prompts.md:2: this code fence is never closed"),
        ("prompts.md", "a\n```", "prompts.md:2: this code fence is never closed"),
        ("prompts.md", "a\n" + "- " * 150 + "b\n\nc\n", "prompts.md:2: lists nested 100 deep"),
        ("prompts.md", "| caption |\n|---|\n| a |\n| b | c |\n", "prompts.md:4: 2 cells where the header"),
        ("prompts.csv", "caption\na\nb, c\n", "prompts.csv:3: 2 cells where the header has 1"),
        ("prompts.csv", "id,caption\n1,a\n2\n", "prompts.csv:3: 1 cells where the header has 2"),
        ("prompts.csv", "id,pose\n1,a\n", "prompts.csv:1: no column 'caption', 'text' or 'prompt' among 'id', 'pose'"),
        ("prompts.csv", "id;pose\n1;a\n", "prompts.csv:1: no column 'caption', 'text' or 'prompt' among 'id', 'pose'"),
        ("prompts.csv", 'caption\na\n"b\nc\n', "prompts.csv:3: not valid CSV"),
        ("prompts.csv", 'caption\n"a" b\n', "prompts.csv:2: not valid CSV"),
        ("prompts.jsonl", '{"caption": "a"}\n\n{caption: b}\n', "prompts.jsonl:3: not JSON: '{caption: b}'"),
        ("prompts.jsonl", '{"caption": "a"}\n["b"]\n', "prompts.jsonl:2: not an object"),
        ("prompts.jsonl", '{"pose": "a", "id": 1}\n', "prompts.jsonl:1: no key 'caption', 'text' or 'prompt' among"),
        ("prompts.jsonl", '{"caption": null, "text": "a"}\n', "prompts.jsonl:1: 'caption' is not a string"),
        ("prompts.jsonl", '{"caption": "a\\ud800"}\n', "prompts.jsonl:1: 'caption' has half of a surrogate"),
        ("prompts.jsonl", "[" * 100_000, "prompts.jsonl:1: not JSON"),
    ],
)  # fmt: skip
def test_malformed_files_are_reported_in_one_line(tmp_path: Path, name: str, text: str | bytes, message: str):
    assert error(tmp_path, text, name).startswith(message)


def test_closed_fences_and_comments_are_not_errors(tmp_path: Path):
    text = "```\n<!-- b\n```\n~~~ text\n```\n~~~~~\n- c\n  ```\n  d\n  ```\n> ```\n> e\n\n```a person```\n"
    assert captions(tmp_path, text) == ["c", "a person"]


def test_a_missing_file_and_a_folder_are_reported_in_one_line(tmp_path: Path):
    with pytest.raises(InputError, match=r"nowhere\.md: no such file"):
        read_prompts(tmp_path / "nowhere.md")
    with pytest.raises(InputError, match="is a folder"):
        read_prompts(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_reported_in_one_line(tmp_path: Path):
    (tmp_path / "prompts.md").touch(mode=0)
    with pytest.raises(InputError, match="cannot be read"):
        read_prompts(tmp_path / "prompts.md")


def test_a_path_below_a_file_is_reported_in_one_line(tmp_path: Path):
    (tmp_path / "prompts.md").write_text("a\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_prompts(tmp_path / "prompts.md" / "more.md")


# --- Names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("A person arching back", "arching_back"),
        ("a PERSON arching back", "arching_back"),
        ("The person arching back.", "arching_back"),
        ("Person arching back", "arching_back"),
        ("person\u00a0arching\u3000back", "arching_back"),
        ("A person's back", "A_persons_back"),
        ("Personal space", "Personal_space"),
        ("A person", "A_person"),
        ("Another person sits", "Another_person_sits"),
        ("two  spaces", "two__spaces"),
        ("left-handed snake_case, 90°", "left-handed_snake_case_90"),
        ("../../etc/passwd", "etcpasswd"),
        ("C:\\Windows\\a", "CWindowsa"),
        ("a\x00b\x1bc", "abc"),
        ("一个人在跑步。", "一个人在跑步"),
        ("человек сидит", "человек_сидит"),
        ("cafe\u0301", "caf\u00e9"),
        ("ใครบางคนกำลังนั่ง", "ใครบางคนกำลังนั่ง"),
        ("बैठा हुआ", "बैठा_हुआ"),
        ("\u0301a 1\ufe0f\u20e3 \u0301b", "a_1_b"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_names_keep_letters_of_any_script(caption: str, name: str):
    assert file_name(caption) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("caption", ["!!!", "😀", "..", "/", "A person ???", "\u0301", "\u3164"])
def test_a_caption_without_letters_is_named_by_its_hash(caption: str):
    name = file_name(caption)
    assert name.startswith("caption-")
    assert len(name) == len("caption-") + 8
    assert name != file_name(caption + "!")


@pytest.mark.parametrize("caption", ["CON", "nul", "A person aux", "Prn.", "com1", "COM¹", "LPT0", "lpt³"])
def test_reserved_device_names_get_a_hash(caption: str):
    plain, _, digest = file_name(caption).partition("-")
    assert plain.lower() in caption.lower()
    assert len(digest) == 8


def test_names_that_resemble_device_names_are_unchanged():
    assert [file_name(caption) for caption in ("console", "com10", "nul nul")] == [
        "console",
        "com10",
        "nul_nul",
    ]


def test_names_are_truncated_to_200_characters_and_240_bytes_at_whole_characters():
    assert file_name("a" * 300) == "a" * 200
    assert file_name("跑" * 100) == "跑" * 80
    assert file_name("ab" + "跑" * 100) == "ab" + "跑" * 79
    assert file_name("a" * 199 + "e\u0301!" + "b") == "a" * 199 + "é"
    assert file_name("a" * 199 + "q\u0301") == "a" * 199  # q with an accent is one letter of two characters
    assert file_name("q" + "\u0301" * 300).startswith("q\u0301")


def test_captions_with_the_same_name_get_a_hash_except_the_first():
    first, *others = named(["A person sits", "sits", "Sits!", "stands", "SITS"])
    assert first.name == "sits"
    assert others == [
        Prompt("sits-f4b79d59", "sits"),
        Prompt("Sits-050d1ab3", "Sits!"),
        Prompt("stands", "stands"),
        Prompt("SITS-04c74195", "SITS"),
    ]


def test_a_caption_has_its_plain_name_or_one_with_its_own_hash():
    for prompt in named(["A person sits", "sits", "Sits!", "stands", "跑" * 100, "跑" * 101]):
        assert is_name_of(prompt.name, prompt.caption)
    assert not is_name_of("stands", "sits")
    assert not is_name_of("sits-050d1ab3", "sits")
    assert not is_name_of("sits-f4b7", "sits")


def test_names_differ_where_case_folding_changes_letters():
    names = [prompt.name for prompt in named(["Straße", "STRASSE", "strasse"])]
    assert len({name.casefold() for name in names}) == 3


def test_a_caption_that_contains_the_hash_of_another_does_not_collide():
    plain, forged, other = named(["sits", "sits-050d1ab3", "Sits!"])
    assert (plain.name, forged.name) == ("sits", "sits-050d1ab3")
    assert other.name.startswith("Sits-050d1ab3")
    assert other.name != "Sits-050d1ab3"


RESERVED = {"CON", "PRN", "AUX", "NUL"} | {f"{d}{n}" for d in ("COM", "LPT") for n in "0123456789¹²³"}


def random_captions(count: int) -> list[str]:
    """Distinct captions from difficult alphabets: separators, combining marks, case variants, any code point."""
    source = random.Random(7)
    alphabets = [
        "aAbB ",
        './\\:*?"<>|\0\n~-_ ',
        "跑步走𠀀",
        "eEq\u0301\u0327\u094d\ufe0f\u200d",
        "ſKkK\u212aßẞİıiI",
        "comCOMlptnul123¹²³",
    ]
    found = {""}
    while len(found) <= count:
        alphabet = source.choice(alphabets)
        length = source.choice([1, 2, 3, 5, 30, 150, 400])
        text = "".join(source.choices(alphabet, k=length))
        if source.random() < 0.3:
            points = (source.choice([source.randrange(0x250), source.randrange(0x30000)]) for _ in range(length))
            text = "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)
        found.add(source.choice(["", "A person ", "person "]) + text)
    return sorted(found - {""})


def test_names_of_random_captions_are_valid_and_distinct():
    texts = random_captions(3000)
    random.Random(1).shuffle(texts)
    prompts = named(texts)
    assert [prompt.caption for prompt in prompts] == texts
    for prompt in prompts:
        name = prompt.name
        assert name
        assert name.upper() not in RESERVED
        assert len(name) <= 209
        assert len(name.encode()) <= 246
        assert name == unicodedata.normalize("NFC", name)
        assert all(c in "_-" or c.isalnum() or unicodedata.category(c) in ("Mn", "Mc") for c in name)
        plain = file_name(prompt.caption)
        assert len(plain) <= 209
        assert name == plain or name.startswith(plain[:100])
    for fold in (str.casefold, str.upper, str.lower):
        folded = {unicodedata.normalize("NFD", fold(prompt.name)) for prompt in prompts}
        assert len(folded) == len(prompts)


def test_names_do_not_depend_on_later_captions():
    texts = random_captions(600)
    random.Random(2).shuffle(texts)
    assert named(texts)[:200] == named(texts[:200])


def test_names_of_maximum_length_stay_distinct_where_hashes_share_digits():
    texts = ["跑" * 100 + end for end in ("", "3536", "14049")]  # the hashes of the last two start with 30185104
    names = [prompt.name for prompt in named(texts)]
    assert names[1] == "跑" * 79 + "-30185104"
    assert names[2].startswith("跑" * 78 + "-30185104")
    assert len(set(names)) == 3
    assert max(len(name.encode()) for name in names) == 246


# --- The package ---------------------------------------------------------------------------------------


def test_the_bundled_list_has_100_distinct_captions():
    found = read_prompts(bundled_prompts())
    assert len(found.prompts) == 100
    assert found.merged == 0
    assert found.warnings == ()


def test_reading_prompts_does_not_import_torch():
    code = "import sys, mardm_batch.prompts.prompt_list, mardm_batch.prompts.shards; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
