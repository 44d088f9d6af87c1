"""Every command in the README is run, with a small model where it would take long."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import TINY_SIT, copy_published

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [line for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("python -m mardm_batch")]


def small(command: str, weights: Path) -> str:
    """The command with what makes it small: the tiny model, no tracking, no GPUs."""
    command = command.replace(" 'gpu_ids=[1,2,3]'", "").replace("=guidance", "=guidance sampling.cfg=1.0,3.0")
    if "model=mardm_sit_xl" in command:
        published = " ".join(TINY_SIT[1:])
        here = "model.text_encoder=clip paths.prompts=captions.md paths.output=published tracking.mode=disabled"
        return f"{command} {published} {here}"
    if ".evaluate" in command:
        return f"{command.replace('300', '10')} model.weights={weights} --seeds 1 --training-poses 50"
    if command.startswith("python -m mardm_batch "):
        return f"{command} model.weights={weights} tracking.mode=disabled"
    return command


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """Where the commands are run one after the other, as some need what others made."""
    folder = tmp_path_factory.mktemp("manual")
    copy_published(folder)
    (folder / "clip").symlink_to(clip)
    (folder / "tests").symlink_to(ROOT / "tests")
    (folder / "captions.md").write_text("\n".join(f"- A person in pose {number}" for number in range(4)))
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_manual_ends_well(command: str, folder: Path, tiny_weights: Path) -> None:
    words = shlex.split(small(command, tiny_weights))
    result = subprocess.run([sys.executable, *words[1:]], cwd=folder, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    if "--page" in words:
        assert (folder / words[words.index("--page") + 1]).exists()


def test_the_manual_has_commands_and_one_makes_a_page() -> None:
    assert len(COMMANDS) >= 10
    assert any("--page comparison.html" in command for command in COMMANDS)


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    (command,) = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "-m pytest" in line]
    assert command in LINES


def test_the_commands_of_the_first_screen_come_first() -> None:
    first = [line for line in LINES if "-m venv" in line][:2]
    assert "-m mardm_batch +preset=fast" in first[0]
    assert "-m pytest" in first[1]
