"""The list of 10,000 captions: as the command writes it, all different, every entry of the library among them."""

import subprocess
import sys
from pathlib import Path

import pytest

from mardm_batch.compose_captions import MAX_LENGTH, compose_captions, main
from mardm_batch.errors import InputError
from mardm_batch.library.caption_conditions import caption_conditions, read_conditions
from mardm_batch.library.library import load_library
from mardm_batch.pose.conditions import bundled_conditions
from mardm_batch.prompts.names import file_name
from mardm_batch.prompts.prompt_list import bundled_prompts, read_prompts

LISTED = bundled_prompts().with_name("static_poses_10k.md")


def test_the_bundled_list_is_the_output_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == LISTED.read_text(encoding="utf-8"), (
        f"the pose library has changed; write the list again: python -m mardm_batch.compose_captions > {LISTED.name}"
    )


def test_it_has_10000_captions_with_names_of_their_own() -> None:
    found = read_prompts(LISTED)
    assert (len(found.prompts), found.merged, found.warnings) == (10_000, 0, ())
    plain = [prompt.name for prompt in found.prompts]
    assert plain == [file_name(prompt.caption) for prompt in found.prompts], "no name needed a hash"
    assert len({name.casefold() for name in plain}) == 10_000
    assert max(len(prompt.caption) for prompt in found.prompts) <= MAX_LENGTH
    assert all(prompt.caption[0].isupper() and not prompt.caption.endswith(".") for prompt in found.prompts)


def test_every_entry_of_the_library_has_a_caption() -> None:
    names = set(load_library().by_name)
    captions = compose_captions(len(names) + 5, seed=1)
    assert {entry.name for each in captions for entry in each.entries} == names


def test_the_first_captions_are_of_different_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    captions = compose_captions(300, seed=3407)
    assert main(["--count", "300"]) == 0
    listed = [line[2:] for line in capsys.readouterr().out.splitlines() if line.startswith("- ")]
    assert sorted(listed) == sorted(each.caption for each in captions)
    family = {each.caption: each.entries[0].family for each in captions}
    assert len({family[caption] for caption in listed[:10]}) >= 5


def test_conditions_are_written_beside_the_captions_and_read_by_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "few.conditions.yaml"
    assert main(["--count", "40", "--conditions", str(file)]) == 0
    (tmp_path / "few.md").write_text(capsys.readouterr().out, encoding="utf-8")
    captions = {prompt.caption for prompt in read_prompts(tmp_path / "few.md").prompts}
    conditions = caption_conditions(tmp_path / "few.md")
    composed = {each.caption: each.conditions for each in compose_captions(40, 3407) if each.conditions}
    assert len(composed) > 30
    assert {caption: tuple(each.text for each in conditions[caption]) for caption in composed} == composed
    assert captions >= set(composed)
    assert read_conditions(file).keys() == composed.keys()  # also by `evaluate --conditions`
    assert caption_conditions(tmp_path / "other.md") == caption_conditions(None) == bundled_conditions()


@pytest.mark.parametrize(
    "content",
    [b"", b"[" * 9000, b"\xff\xfe", b"- a list", b"A person: {conditions: [left_hand sings]}", b"a: {conditions: 3}"],
)
def test_a_broken_file_of_conditions_is_one_line_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "few.conditions.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"few\.conditions\.yaml: ") as refused:
        caption_conditions(tmp_path / "few.md")
    assert "\n" not in str(refused.value)


def test_captions_depend_on_the_seed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lists = []
    for seed in ("1", "1", "2"):
        assert main(["--count", "30", "--seed", seed]) == 0
        lists.append(capsys.readouterr().out)
    assert lists[0] == lists[1] != lists[2]
    (tmp_path / "thirty.md").write_text(lists[0])
    assert len(read_prompts(tmp_path / "thirty.md").prompts) == 30


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--count", "0"], "--count"), (["--count", "99999999"], "--count"), (["--seed", "-1"], "--seed")],
)
def test_bad_arguments_are_refused(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


def test_more_captions_than_there_are_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mardm_batch.compose_captions.MAX_LENGTH", 12)
    monkeypatch.setattr("mardm_batch.compose_captions.MAX_DUPLICATES", 100)
    with pytest.raises(SystemExit) as ended:
        main(["--count", "3000"])
    assert ended.value.code == 2
    assert "ask for fewer" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["mardm_batch.compose_captions", "--count", "500"], ["mardm_batch", "--help"]])
def test_a_reader_that_leaves_early_sees_no_traceback(command: list[str]) -> None:
    with subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
