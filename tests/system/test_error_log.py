"""errors.jsonl: every ERROR of a run as one JSON object per line."""

import json
import logging
from datetime import datetime
from pathlib import Path

import pytest
from tests.support import Run

from mardm_batch.system.error_log import ERROR_LOG, ErrorFormatter, read_error_log


def test_errors_are_read_as_they_were_logged(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / ERROR_LOG, encoding="utf-8", delay=True)
    handler.setFormatter(ErrorFormatter())
    handler.setLevel(logging.ERROR)
    logger = logging.Logger("mardm_batch.run")
    logger.addHandler(handler)
    logger.warning("not an error")
    assert read_error_log(tmp_path) == (tmp_path / ERROR_LOG, [])
    assert not (tmp_path / ERROR_LOG).exists()
    logger.error("failed: %s", "站\n\u2028")
    try:
        raise KeyError("first\nsecond")
    except KeyError:
        logger.critical("crashed", exc_info=True)
    handler.close()
    (tmp_path / ERROR_LOG).open("a").write("cut")
    _, (first, second) = read_error_log(tmp_path)
    assert (first.level, first.logger, first.message) == ("ERROR", "mardm_batch.run", "failed: 站\n\u2028")
    assert first.exception is None
    assert datetime.fromisoformat(first.time).tzinfo is not None
    assert (second.level, second.exception) == ("CRITICAL", "KeyError: 'first\\nsecond'")


@pytest.mark.e2e
def test_a_run_that_ends_with_an_error_writes_it_for_programs(tmp_path: Path, run: Run) -> None:
    assert run("paths.prompts=missing.md", "hydra.run.dir=run").returncode == 2
    (line,) = (tmp_path / "run" / ERROR_LOG).read_text("utf-8").splitlines()
    assert "missing.md" in json.loads(line)["message"]
    assert "missing.md" in (tmp_path / "run" / "mardm_batch.log").read_text("utf-8")
