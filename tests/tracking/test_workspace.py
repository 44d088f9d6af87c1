"""The view of a project at Weights & Biases: built without a network, of what runs log."""

import importlib.util
import socket
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Outcome, Pose
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.run.statistics import RunStatistics

register_schemas()
TOOL = Path(__file__).parents[2] / "tools" / "wandb_workspace.py"


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wandb_workspace", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def logged_metrics(folder: Path) -> set[str]:
    """The names of what a run logs about a pose, and at its end."""
    settings = asdict(to_config(compose_config([])))
    prompts = [Prompt(side, f"A person waving with the {side} hand") for side in ("left", "right")]
    statistics = RunStatistics(Progress("all", str(folder)), prompts, folder, settings, FailureList(folder))
    statistics.conditions = {prompt.caption: () for prompt in prompts}
    statistics.begin(prompts, prompts)
    joints = np.random.default_rng(0).normal(size=(2, 22, 3)).astype(np.float32)
    poses = [Pose(prompt, each, 4, 0, agreement=0.4) for prompt, each in zip(prompts, joints, strict=True)]
    statistics.record_outcomes([Outcome(pose, None, {}) for pose in poses])
    return {*statistics.summary("finished", 0).metrics, "conditions_met", "seconds_left"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb_workspaces")
def test_the_view_has_what_runs_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb_workspaces", reason="needs the package wandb-workspaces")

    def refused(*arguments: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    tool = load_tool()
    workspace = tool.build_workspace("someone", "poses")
    names = [section.name for section in workspace.sections]
    assert names == ["Samples", *tool.CURVES, "Whole runs"]
    view = workspace._to_model().model_dump_json(by_alias=True)
    assert '"samples"' in view
    assert '"xAxis":"poses_done"' in view
    assert '"grouping":[{"section":"run","name":"group"}]' in view
    metrics = {each for listed in (*tool.CURVES.values(), tool.FINAL) for each in listed}
    assert all(f'["{each}"]' in view for each in metrics)
    assert metrics <= logged_metrics(tmp_path)
