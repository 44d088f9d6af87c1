"""The words of the command line beside settings: commands by name, the version, the help, and what is mistyped."""

import runpy
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from mardm_batch import __version__
from mardm_batch.cli import GROUPS, check_words, help_text, main
from mardm_batch.config.groups import group_choices
from mardm_batch.errors import ConfigurationError
from mardm_batch.registries import register_schemas
from mardm_batch.system.commands import command_summaries

COMMANDS = ("benchmark", "compare", "compose_captions", "contact_sheet", "evaluate", "monitor", "train", "verify")


def test_the_version_is_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["mardm-batch", "--version"])
    main()
    assert capsys.readouterr().out == f"mardm-batch {__version__}\n"


def test_verbose_is_a_level_of_our_loggers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["mardm-batch", "--verbose", "--cfg", "hydra"])
    main()
    assert "verbose: mardm_batch" in capsys.readouterr().out


def test_the_commands_are_found_with_their_descriptions() -> None:
    summaries = command_summaries()
    assert set(COMMANDS) <= set(summaries)
    assert "cli" not in summaries
    assert all(summaries.values())


def test_a_command_runs_by_its_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mardm_batch", "verify", "nowhere"]
    by_name = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    as_module = subprocess.run(
        [sys.executable, "-m", "mardm_batch.verify", "nowhere"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (by_name.returncode, by_name.stderr) == (as_module.returncode, as_module.stderr)
    assert by_name.returncode == 2


@pytest.mark.parametrize(
    ("word", "meant"),
    [("monitr", "monitor"), ("fast", "+preset=fast"), ("limit", "limit=VALUE"), ("comparison", "compare")],
)
def test_a_mistyped_word_is_answered_with_what_may_be_meant(
    word: str, meant: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mardm-batch", word])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {word}: neither a command nor a setting; did you mean {meant}?\n"


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("+preset", "name one, +preset=NAME (fast, lowmem, native, quality)"),
        ("preset", "name one, +preset=NAME (fast, lowmem, native, quality)"),
        ("+preset=", "name one, +preset=NAME (fast, lowmem, native, quality)"),
        (
            "model=null",
            "name one, model=NAME (acmdm_flow_s, acmdm_flow_xl, acmdm_raw_s, embedded, mardm_ddpm_xl, mardm_sit_xl)",
        ),
        ("captions.md", "not a setting; did you mean paths.prompts=captions.md?"),
        ("~seed", "a setting cannot be removed; without KEY=VALUE it has its default"),
        ("my captions.csv", "not a setting; did you mean paths.prompts='my captions.csv'?"),
    ],
)
def test_a_group_without_a_choice_and_a_file_without_its_setting_are_completed(word: str, answer: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_words([word])
    assert str(refused.value) == f"{word}: {answer}"


def test_an_experiment_without_multirun_is_looked_up_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, answer in (("guidance", "an experiment is a sweep; add --multirun"), ("guidence", "no such experiment;")):
        monkeypatch.setattr(sys, "argv", ["mardm-batch", f"+experiment={name}"])
        with pytest.raises(SystemExit, match="2"):
            main()
        assert f"+experiment={name}: {answer}" in capsys.readouterr().err


def test_the_help_lists_every_choice_and_command_within_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    register_schemas()
    text = help_text([])
    assert [line for line in text.splitlines() if len(line) > 80] == []
    words = text.split()
    for group in GROUPS:
        for name, description in group_choices(group).items():
            assert name in words
            assert description.split()[0] in words
    assert set(COMMANDS) <= set(words)
    assert "3 crashed" in text


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_help_text_keeps_to_80_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with suppress(SystemExit):
        main() if name == "" else runpy.run_module(f"mardm_batch.{name}", run_name="__main__")
    text = capsys.readouterr().out
    assert "xit codes: 0" in " ".join(text.split())
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_the_help_lists_the_choices_and_settings_of_a_further_folder(tmp_path: Path) -> None:
    register_schemas()
    (tmp_path / "preset").mkdir()
    (tmp_path / "preset" / "mine.yaml").write_text("# @package _global_\n# What I need.\nseed: 77\n")
    text = help_text([f"--config-dir={tmp_path}", "+preset=mine", "shard=0,1"])
    assert "mine  " in text
    assert "What I need." in text
    assert "fast" in text
    assert "seed=77" in text
    assert "seed=77" not in help_text(["--config-dir", str(tmp_path)])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("compare", []),
        ("contact_sheet", ["{}/sheet.png"]),
        ("export", ["--to", "bvh"]),
        ("gallery", []),
        ("monitor", ["--once"]),
        ("relayout", ["--to", "nested"]),
        ("verify", []),
    ],
)
def test_every_command_says_why_a_path_is_no_folder(
    command: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = import_module(f"mardm_batch.{command}")
    if hasattr(module, "__path__"):
        module = import_module(f"mardm_batch.{command}.__main__")
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    problems = {"none": "no such folder", "file": "is not a folder", "loop": "is a link that leads back to itself"}
    for name, problem in problems.items():
        with pytest.raises(SystemExit, match="2"):
            module.main([str(tmp_path / name), *(word.format(tmp_path) for word in words)])
        message = capsys.readouterr().err
        assert message.startswith(f"error: {tmp_path / name}: {problem}; ")
        assert message.count("\n") == 1
