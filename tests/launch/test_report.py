"""The report of a sweep, by the exit codes of its runs and the poses on disk."""

import logging
from pathlib import Path

import pytest
from tests.support import write_captions

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.launch.jobs import Job
from mardm_batch.launch.plan import EXIT_CODE, write_status
from mardm_batch.launch.report import report
from mardm_batch.registries import register_schemas

register_schemas()


@pytest.mark.parametrize(
    ("code", "ending", "exit_code"),
    [(1, "failed in part", 1), (2, "was refused", 2), (3, "crashed", 1), (143, "was stopped", 1), (None, "died", 1)],
)
def test_a_run_that_did_not_finish_is_named_with_how_it_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int | None, ending: str, exit_code: int
) -> None:
    write_captions(tmp_path, ["A person waving", "A person sitting"])
    words = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "shard=0", "num_shards=1"]
    if code is not None:
        write_status(str(tmp_path), 0, EXIT_CODE, code)
    with caplog.at_level(logging.INFO):
        assert report([Job(0, words, to_config(compose_config(words)))], str(tmp_path), 0) == exit_code
    assert f"shard 0 of 1 {ending}: 0 of 2 poses are finished" in caplog.text
    assert "2 of 2 poses are missing" in caplog.text
