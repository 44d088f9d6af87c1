"""The check on a GPU, tried on the CPU: parts that need no process of their own."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

TOOL = Path(__file__).parents[2] / "tools" / "gpu_check.py"
PARTS = ("agreement", "speed", "memory")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_check", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_check"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_parts_run_on_the_cpu(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tool, "matrix_peak", lambda precision, device, seconds: 1e12)
    words = [word for part in PARTS for word in ("--part", part)]
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--dry-run", "--json", str(tmp_path / "gpu.json"), *words])
    assert tool.main() == 0, capsys.readouterr().err
    figures = json.loads((tmp_path / "gpu.json").read_text())
    assert list(figures) == ["card", *PARTS]
    assert set(figures["agreement"]) >= {"MARDM-SiT-XL.float32", "ACMDM-S.bfloat16"}
    assert figures["speed"]["MARDM-SiT-XL"]["peak_share"] > 0
    assert max(figures["memory"]["batches"]) == 2 * min(figures["memory"]["batches"])
    assert "| 32 poses of ACMDM-S, bfloat16, 16 at once |" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_it_says_so(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_check.py"])
    assert tool.main() == 2
    assert capsys.readouterr().err == "error: no GPU here; --dry-run tries the check on the CPU\n"
