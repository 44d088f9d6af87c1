"""What all commands share: their parser, and one line for a mistake of the user."""

import signal
from pathlib import Path

import pytest

from mardm_batch.errors import ConfigurationError
from mardm_batch.system.commands import command_parser, report_user_errors, run_main


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConfigurationError("seed=-1: must be at least 0"), "error: seed=-1: must be at least 0"),
        (PermissionError(13, "Permission denied", "poses"), "error: poses: Permission denied"),
        (OSError("no device"), "error: no device"),
    ],
)
def test_an_error_of_the_user_is_one_line_and_exit_code_2(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, report_user_errors():
        raise error
    assert ended.value.code == 2
    assert capsys.readouterr().err == line + "\n"


def test_a_refusal_says_what_may_be_meant(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parser = command_parser("verify", "Audit.")
    parser.add_argument("output_dir")
    parser.add_argument("--to", choices=["bvh", "csv"])
    parser.add_argument("--number", type=int)
    parser.add_argument("--seconds", type=float)
    monkeypatch.chdir(tmp_path)
    for words, hint in (
        (["poses", "--to", "bhv"], "(choose from 'bvh', 'csv'); did you mean bvh?;"),
        (["poses", "--to", "xml"], "(choose from 'bvh', 'csv'); python"),
        (["poses", "--number", "x"], "argument --number: must be a whole number, not x; python"),
        (["poses", "--seconds", "x"], "argument --seconds: must be a number, not x; python"),
        (["-dash"], "are required: output_dir; write ./-dash for the folder or file of that name;"),
        (["-dash", "--to", "-file"], "write ./-dash and ./-file for the folders or files of these names;"),
        (["-other"], "are required: output_dir; python"),
    ):
        (tmp_path / "-dash").mkdir(exist_ok=True)
        (tmp_path / "-file").touch()
        monkeypatch.setattr("sys.argv", ["verify", *words])
        with pytest.raises(SystemExit, match="2"):
            parser.parse_args()
        assert hint in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command_with_one_line_after_it_has_cleared_up(
    number: signal.Signals, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.system.signals.handled_signals", lambda: (number,))  # also under nohup
    cleared_up = []

    def main() -> int:
        try:
            with report_user_errors():
                signal.raise_signal(number)
        finally:
            cleared_up.append(True)
        return 0

    with pytest.raises(SystemExit) as ended:
        run_main(main)
    assert (ended.value.code, cleared_up) == (128 + number, [True])
    assert capsys.readouterr().err == "interrupted\n"


def test_an_error_that_a_package_makes_of_a_signal_is_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        with report_user_errors():
            try:
                signal.raise_signal(signal.SIGTERM)
            except BaseException:
                raise ValueError("cannot be set")  # noqa: B904
        return 0

    with pytest.raises(SystemExit) as ended:
        run_main(main)
    assert ended.value.code == 143
    assert capsys.readouterr().err == "interrupted\n"


def test_a_command_ends_with_the_exit_code_of_its_main_function() -> None:
    with pytest.raises(SystemExit) as ended:
        run_main(lambda: 1)
    assert ended.value.code == 1


def test_what_is_still_to_be_written_to_a_full_output_ends_the_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        with pytest.raises(SystemExit) as ended:
            run_main(lambda: print("short"))
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: standard output: No space left on device\n"


def test_ctrl_c_ends_a_command_silently_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, report_user_errors():
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""


def test_the_help_of_a_command_names_it_and_shows_its_examples(capsys: pytest.CaptureFixture[str]) -> None:
    parser = command_parser("verify", "Audit an output folder.\n\nAnd more.", "  python -m mardm_batch.verify poses\n")
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    text = capsys.readouterr().out
    assert text.startswith("usage: python -m mardm_batch.verify")
    assert "Audit an output folder.\n" in text
    assert "And more." not in text
    assert "\n  python -m mardm_batch.verify poses\n" in text


HOSTILE = "a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e\u200b\nb"
ESCAPED = r"a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e\u200b\nb"


def test_values_in_refusals_are_printable_and_short(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), report_user_errors():
        raise ConfigurationError(f"paths.prompts={HOSTILE}: no such file")
    assert capsys.readouterr().err == f"error: paths.prompts={ESCAPED}: no such file\n"
    with pytest.raises(SystemExit), report_user_errors():
        raise OSError(2, "No such file", "x" * 1_000_000)
    assert len(capsys.readouterr().err) < 1100
    with pytest.raises(SystemExit, match="2"):
        command_parser("verify", "Audit.").parse_args([HOSTILE])
    arguments = "python -m mardm_batch.verify --help lists the arguments"
    assert capsys.readouterr().err == f"error: unrecognized arguments: {ESCAPED}; {arguments}\n"
