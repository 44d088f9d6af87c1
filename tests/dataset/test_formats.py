"""Formats: each checks its files, and one registered outside the package is written, resumed and audited like them."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.formats.registry import FORMATS, enabled_formats, register, split_file_name
from mardm_batch.registries import register_schemas
from mardm_batch.run.reading import setting_at


def test_a_setting_turns_a_format_on() -> None:
    assert enabled_formats({"render.enabled": True}.get) == (PNG, NPY)
    assert enabled_formats({"render.enabled": False}.get) == (NPY,)


def test_a_key_that_is_no_setting_is_refused() -> None:
    register_schemas()
    with pytest.raises(AttributeError):
        setting_at(to_config(compose_config([])), "render.enable")


@pytest.mark.parametrize("suffix", [".png", ".json", "txt", ""])
def test_a_suffix_that_is_malformed_or_taken_is_refused(suffix: str) -> None:
    before = dict(FORMATS)
    with pytest.raises(ValueError, match=repr(suffix)):
        register(Format(suffix, NPY.encode, NPY.check))
    assert before == FORMATS


def test_a_file_name_is_split_into_name_and_format() -> None:
    assert split_file_name("arching_back.json") == ("arching_back", JSON)
    assert split_file_name("arching_back.npy") == ("arching_back", NPY)
    assert split_file_name("notes.txt") is None


PLUGIN = textwrap.dedent(
    '''
    """A format from outside the package: the caption as text. Run as a script with the name of a command."""

    import importlib
    import os
    import sys

    from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format
    from mardm_batch.dataset.formats.registry import register


    def check(path, document):
        text = path.read_text(encoding="utf-8")
        if not text.startswith("process "):
            raise DamagedFileError(Damage.UNREADABLE, "no process")
        if document is not None and text.partition(": ")[2] != document.caption:
            raise DamagedFileError(Damage.MISMATCH, text)


    register(Format(".txt", lambda content: f"process {os.getpid()}: {content.pose.prompt.caption}".encode(), check))

    if __name__ == "__main__":
        main = importlib.import_module(sys.argv.pop(1)).main
        sys.exit(main())
    '''
)


@pytest.mark.e2e
def test_a_format_from_outside_the_package_is_written_resumed_and_audited(tmp_path: Path, tiny_weights: Path) -> None:
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "captions.txt").write_text("A person waving\nA person sitting\n")

    def run(command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "plugin.py", command, *arguments]
        return subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env={**os.environ}, timeout=300)

    def generate() -> "subprocess.CompletedProcess[str]":
        settings = (f"model.weights={tiny_weights}", "tracking.mode=disabled", "paths.prompts=captions.txt")
        return run("mardm_batch.cli", *settings)

    def verify() -> tuple[int, dict]:
        audit = run("mardm_batch.verify.__main__", "SinglePose", "--json")
        return audit.returncode, json.loads(audit.stdout)

    first = generate()
    assert first.returncode == 0, first.stderr
    poses = tmp_path / "SinglePose"
    pid = json.loads((poses / ".mardm_batch" / "progress" / "all.json").read_bytes())["pid"]
    for name in ("waving", "sitting"):
        writer, _, caption = (poses / f"{name}.txt").read_text().partition(": ")
        assert caption == f"A person {name}"
        assert writer not in (f"process {pid}", "process ")
    assert verify()[0] == 0

    (poses / "waving.txt").unlink()
    code, report = verify()
    assert code == 1
    assert [(each["kind"], each["where"]) for each in report["problems"][:1]] == [
        ("missing file of a pose", "waving.txt")
    ]
    again = generate()
    assert again.returncode == 0, again.stderr
    assert "1 pose to make" in again.stderr or "1 of 2 poses are finished already" in again.stderr
    assert (poses / "waving.txt").exists()

    (poses / "waving.txt").write_text("process 1: A person sitting")
    (poses / "sitting.txt").write_text("")
    code, report = verify()
    assert code == 1
    assert {(each["kind"], each["where"]) for each in report["problems"]} == {
        ("JSON and TXT differ", "waving.txt"),
        ("unreadable TXT", "sitting.txt"),
    }
