"""The settings of prompts reach the run, and the audit of its folder reads the captions as the run did."""

import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.progress import Progress
from mardm_batch.registries import register_schemas
from mardm_batch.run.reading import read_run_prompts
from mardm_batch.run.shard import load_prompts_with_warnings
from mardm_batch.verify.expected import expected_poses
from mardm_batch.verify.findings import Expected

register_schemas()

TABLE = "id;Sentence;kind\n007;A person sitting#120;floor\n008;A person standing#NA;feet\n"


def captions_by_name(expected: Expected) -> dict[str, str]:
    assert expected.prompts is not None
    return {name: prompt.caption for name, prompt in expected.prompts.items()}


def test_captions_are_read_and_poses_are_named_as_the_settings_say(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "list.csv").write_text(TABLE, encoding="utf-8")
    words = [f"paths.prompts={tmp_path / 'list.csv'}", "prompts.column=sentence", "prompts.names=id"]
    config = to_config(compose_config(words))
    listed = load_prompts_with_warnings(config).prompts
    assert [(prompt.name, prompt.caption, prompt.source) for prompt in listed] == [
        ("007", "A person sitting", {"id": "007", "kind": "floor"}),
        ("008", "A person standing", {"id": "008", "kind": "feet"}),
    ]
    assert caplog.messages == [
        f"{tmp_path / 'list.csv'}: set aside, not part of captions: the length after # of 2 of 2 captions"
    ]


def test_names_fit_the_file_system_of_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list.txt").write_text("x" * 150 + "\n" + "x" * 151 + "\n", encoding="utf-8")
    output = tmp_path / "not" / "there"
    limits: dict[Path, int] = {tmp_path: 143}
    monkeypatch.setattr(os, "pathconf", lambda path, name: limits[Path(path)])
    words = [f"paths.prompts={tmp_path / 'list.txt'}", f"paths.output={output}"]
    first, second = (prompt.name for prompt in read_run_prompts(to_config(compose_config(words))).prompts)
    assert first == "x" * 128
    assert second.startswith("x" * 125 + "-")
    assert len(second + ".clip.npy") <= 143


def test_an_audit_reads_the_captions_as_the_newest_run_did(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(TABLE, encoding="utf-8")
    folder, output = tmp_path / "run", tmp_path / "poses"
    (folder / ".hydra").mkdir(parents=True)
    config = compose_config(["paths.prompts=list.csv", "prompts.column=sentence", "prompts.names=id"])
    OmegaConf.save(config, folder / ".hydra" / "config.yaml")
    (folder / ".hydra" / "hydra.yaml").write_text(f"hydra: {{runtime: {{cwd: {tmp_path}}}}}\n", encoding="utf-8")
    shards = [Progress("all", run_folder=str(folder), state="finished", exit_code=0)]
    expected = {"007": "A person sitting", "008": "A person standing"}
    for prompt_file in (None, tmp_path / "list.csv"):
        assert captions_by_name(expected_poses(output, prompt_file, shards, ())) == expected
    (tmp_path / "list.txt").write_text("007|A person sitting\n008|A person standing\n", encoding="utf-8")
    assert captions_by_name(expected_poses(output, tmp_path / "list.txt", shards, ())) == expected
