"""Every command and example in README and docs/ is run, with a small model where it would take long."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.e2e.documents import (
    CHINESE,
    ENGLISH,
    FENCE,
    PAGES,
    RECIPES,
    ROOT,
    blocks_of,
    run_command_line,
    run_words,
    small,
    write_programs,
)
from tests.support import copy_acmdm, copy_published

REASONS = {
    "needs a GPU",
    "needs a cluster",
    "needs a bucket",
    "downloads",
    "takes long",
    "changes the folder of other examples",
    "sets up",
    "serves until Ctrl-C",
    "needs Blender",
    "needs a body model",
    "needs an account",
}
"""Why a command may be one that no test runs."""


BLOCKS = [block for page, text in PAGES.items() for block in blocks_of(page, text.replace(RECIPES, ""))]
SHELL = [block for block in BLOCKS if block.language == "bash"]


def runnable(command: str) -> str | None:
    """Without GPUs; a set-up command ends with the command that it is for; the tests are not run in a test."""
    if command.startswith("python3 -m venv"):
        last = command.rpartition(" && ")[2]
        return last.removeprefix(".venv/bin/") if "-m mardm_batch" in last else None
    return re.sub(r" '?gpu_ids=\[[\d,]+\]'?", "", command)


COMMANDS = list(
    dict.fromkeys(
        command for block in SHELL if not block.reason for line in block.commands if (command := runnable(line))
    )
)
"""What several pages say is run once."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """Where the commands are run one after the other, as some need what others made."""
    folder = tmp_path_factory.mktemp("manual")
    copy_published(folder)
    copy_acmdm(folder)
    (folder / "clip").symlink_to(clip)
    (folder / "tests").mkdir()
    for name in ("held_out_captions.yaml", "harder_captions.yaml", "harder_captions_scored.yaml"):
        lines = (ROOT / "tests" / name).read_text(encoding="utf-8").splitlines()
        (folder / "tests" / name).write_text("\n".join(lines[:20]), encoding="utf-8")
    (folder / "captions.md").write_text("\n".join(f"- A person in pose {number}" for number in range(4)))
    write_programs(folder / "bin")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_documents_ends_well(command: str, folder: Path, fluent_weights: Path) -> None:
    run_command_line(small(command, fluent_weights), folder, folder / "bin")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(b.page == page and b.language == "python" for b in BLOCKS)]
)
def test_the_python_of_a_page_runs(page: str, folder: Path) -> None:
    blocks = [block.text for block in BLOCKS if block.page == page and block.language == "python" and not block.reason]
    run_words([sys.executable, "-c", "\n".join(blocks)], folder, folder / "bin")


def test_the_job_script_makes_a_shard_as_slurm_would_start_it(folder: Path, fluent_weights: Path) -> None:
    (script,) = [block.text for block in BLOCKS if "#SBATCH" in block.text]
    script = script.replace("source .venv/bin/activate\n", 'srun() { "$@"; }\n')
    settings = f"tracking.mode=disabled model.weights={fluent_weights}"
    script = script.replace("paths.output=poses", f"paths.output=cluster {settings}")
    variables = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_CPUS_PER_TASK": "1"}
    run_words(["bash", "-c", script], folder, folder / "bin", **variables)
    assert list((folder / "cluster").glob("*.json"))


def test_a_command_that_is_not_run_says_why() -> None:
    assert {block.reason for block in BLOCKS if block.reason} <= REASONS
    for block in SHELL:
        for command in block.commands if not block.reason else []:
            assert re.match(r"python3? |mardm-batch ", command), f"{block.page}: {command}"


def test_the_documents_have_many_commands_and_one_makes_a_page() -> None:
    assert len(COMMANDS) >= 20
    assert any("--page comparison.html" in command for command in COMMANDS)


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    (command,) = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "-m pytest" in line]
    assert command in [command for block in SHELL if block.page == "README.md" for command in block.commands]


@pytest.mark.parametrize("page", ["README.md", CHINESE])
def test_the_commands_of_the_first_screen_come_first(page: str) -> None:
    first, second, *_ = [command for block in SHELL if block.page == page for command in block.commands]
    assert "-m venv" in first
    assert first.endswith("-m mardm_batch +preset=fast")
    assert "-m venv" in second
    assert second.endswith("-m pytest")


# Links between pages and what they are made from ----------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", PAGES[page]))
    for link in [link for link in links if "://" not in link]:
        target, _, anchor = link.partition("#")
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), link
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("page", [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/*.md"))])
def test_every_page_is_tested_and_linked_from_the_landing_page(page: str) -> None:
    assert page in ENGLISH
    assert f"({page}" in PAGES["README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_lines_fit_120_columns(page: str) -> None:
    generated = page in ("docs/settings.md", "docs/commands.md")
    long = [line for line in PAGES[page].splitlines() if len(line) > 120 and not line.startswith("|")]
    assert generated or not long


def test_generated_pages_are_what_the_code_says() -> None:
    words = [sys.executable, "docs/generate.py", "--check"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_chinese_page_has_the_english_commands() -> None:
    english = {command for block in SHELL if block.page != CHINESE for command in block.commands}
    chinese = [command for block in SHELL if block.page == CHINESE for command in block.commands]
    landing = [c for block in SHELL if block.page == "README.md" and not block.reason for c in block.commands]
    assert set(chinese) <= english
    assert [command for command in chinese if command in landing] == landing


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [
        each
        for name, extra in project["optional-dependencies"].items()
        if name not in ("test", "dev")
        for each in extra
    ]
    for requirement in [*project["dependencies"], *extras]:
        name = re.split(r"[\[<>=~! ]", requirement)[0]
        assert re.search(rf"^\| [^|]*`{name}`", PAGES["docs/architecture.md"], re.MULTILINE), name


def test_the_tree_names_every_room() -> None:
    package = ROOT / "src" / "mardm_batch"
    rooms = [path.name for path in package.iterdir() if not path.name.startswith("_")]
    tree = next(
        block.text for block in BLOCKS if block.page == "docs/architecture.md" and "src/mardm_batch/" in block.text
    )
    assert [room for room in rooms if not re.search(rf"\b{re.escape(room)}", tree)] == []


def test_the_floors_are_those_of_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (floors,) = [each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers"]
    layers = "\n".join(floors["layers"]).replace("mardm_batch.", "")
    assert f"```text\n{layers}\n```" in PAGES["docs/architecture.md"]


@pytest.mark.parametrize("page", ["docs/troubleshooting.md", CHINESE])
def test_messages_that_are_explained_are_those_of_the_code(page: str) -> None:
    rows = re.findall(r"^\| [^|`]*`([^`|]+) …`[^|]*\|", PAGES[page], re.MULTILINE)
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert rows
    for message in rows:
        assert message in code
