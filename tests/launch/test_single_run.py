"""One run in this process: how it ends where it has not begun to make poses."""

import logging
import signal
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mardm_batch.launch import single_run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_pose_is_one_line(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(single_run, "to_config", lambda cfg: signal.raise_signal(number))
    with caplog.at_level(logging.WARNING):
        assert single_run.run_to_exit_code(OmegaConf.create(), tmp_path, None) == 128 + number
    assert caplog.messages == ["interrupted"]
