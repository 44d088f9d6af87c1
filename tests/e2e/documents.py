"""The documents and their fenced blocks, for the tests that run what they say."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support import TINY_SIT, run_in_process, sweep_in_process, tiny_acmdm

ROOT: Final = Path(__file__).parents[2]
ENGLISH: Final = [
    "README.md",
    "docs/tutorial.md",
    "docs/gallery.md",
    "docs/sweeps.md",
    "docs/cluster.md",
    "docs/formats.md",
    "docs/published-model.md",
    "docs/training.md",
    "docs/troubleshooting.md",
    "docs/settings.md",
    "docs/files.md",
    "docs/commands.md",
    "docs/model-card.md",
    "docs/benchmarks.md",
    "docs/determinism.md",
    "docs/reliability.md",
    "docs/architecture.md",
]
"""In the order in which they are read, so that a command finds what an earlier one made."""
CHINESE: Final = "README.zh-CN.md"
PAGES: Final = {page: (ROOT / page).read_text(encoding="utf-8") for page in [*ENGLISH, CHINESE]}
RECIPES: Final = PAGES["docs/architecture.md"].partition("\n## Recipes\n")[2]
FENCE: Final = re.compile(r"^(?:<!-- not run: ([^>]+) -->\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `reason`: why it is not run, empty where it is."""

    page: str
    reason: str
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """One a line, or over several with a backslash at their ends; comments are left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [re.sub(r"\s+", " ", command) for line in lines if (command := re.sub(r"(^|\s+)#.*", "", line).strip())]


def blocks_of(page: str, text: str) -> list[Block]:
    return [Block(page, *match.groups(default="")) for match in FENCE.finditer(text)]


def small(command: str, weights: Path) -> str:
    """The command with what makes it small: the tiny model, few captions, no tracking."""
    command = command.replace("=guidance", "=guidance sampling.cfg=1.0,3.0")
    command, redirect, target = command.partition(" > ")
    if "model=mardm_sit_xl" in command or "model=acmdm_flow_s" in command:
        published = " ".join((TINY_SIT if "model=mardm_sit_xl" in command else tiny_acmdm("Flow"))[1:])
        command += f" {published} model.text_encoder=clip paths.prompts=captions.md tracking.mode=disabled"
    elif ".evaluate" in command:
        command = re.sub(r"--library \d+", "--library 10", command)
        command += f" model.weights={weights} --seeds 1 --training-poses 50"
    elif ".compose_captions" in command:
        command += " --count 4"
    elif re.match(r"(python -m mardm_batch|mardm-batch) (?=[+\w]+=|--multirun|model\.)", command):
        command += " cpu_threads=1" + ("" if "tracking" in command else " tracking.mode=disabled")
        command += "" if re.search(r"model(\.weights)?=", command) else f" model.weights={weights}"
        command += "" if "limit=" in command or "paths.prompts" in command else " limit=5"
        if "--multirun" in command:
            command = command.replace("limit=20", "limit=2")
            command += "" if "time_steps" in command or "shard=" in command else " sampling.time_steps=2"
    return command + redirect + target


def write_programs(folder: Path) -> None:
    """`python` and `mardm-batch` as users have them."""
    folder.mkdir()
    for name, arguments in (("python", ""), ("mardm-batch", "-m mardm_batch")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (folder / name).chmod(0o755)


def run_command_line(command: str, folder: Path, programs: Path) -> None:
    """Run a command of a page in a folder; it must end well.

    A command of ours is run in this process, where that does the same: `python -m mardm_batch.NAME` is
    `mardm-batch NAME`, and jobs of a sweep over settings need no processes of their own.
    """
    ours = re.fullmatch(r"(?:python -m mardm_batch\.(\w+)|python -m mardm_batch|mardm-batch)((?: [^|;&]*)?)", command)
    if ours is None or "shard=0" in command:
        run_words(["bash", "-c", command], folder, programs)
        return
    arguments, _, target = ours[2].partition(" > ")
    words = [ours[1], *shlex.split(arguments)] if ours[1] else shlex.split(arguments)
    if "--multirun" in words:
        words.remove("--multirun")
        result = sweep_in_process(*words, cwd=folder)
    else:
        result = run_in_process(*words, cwd=folder)
    assert result.returncode == 0, result.stdout + result.stderr
    if target:
        (folder / target.strip()).write_text(result.stdout, encoding="utf-8")


def run_words(words: Sequence[str], folder: Path, programs: Path, **environment: str) -> None:
    """Run a command in a folder; it must end well."""
    variables = {
        **os.environ,
        "HF_HOME": str(folder / "huggingface"),
        "PATH": f"{programs}:{os.environ['PATH']}",
        **environment,
    }
    result = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
