"""The rules of the house: floors, sizes and words, as `docs/architecture.md` states them."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "src").rglob("*.py"))
MOST_LINES = 400
OLD_WORDS = [
    "in_hydra_s_words",
    "in_our_words",
    "without_sweeps",
    "with_time",
    "mistakes_in_one_line",
    "refuse",
    "when_gone",
    "take_part",
    "see_through",
    "leave_exit_code",
    "recorded",
    "how_to_go_on",
    "accounted_for",
    "settings_of",
    "RunRecord",
    "not_made",
    "TRIES_TO_BE_FINITE",
    "RememberingEncoder",
    "coins",
    "held_back",
    "GIVING_WAY",
    "CarefulTracker",
    "OpeningTracker",
    "what_was_asked",
    "kinship",
    "only_telling",
    "exactly",
    "quickly",
    "inked",
]


def test_a_room_imports_lower_floors_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_code_is_formatted_simple_and_without_unused_names() -> None:
    for words in (["check"], ["format", "--check"]):
        result = subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr


def test_modules_are_short_say_their_purpose_and_use_the_words_of_the_field() -> None:
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        assert text.count("\n") <= MOST_LINES, module
        assert text.startswith('"""'), module
        defined = set(re.findall(r"(?:def|class) (\w+)", text)) | set(
            re.findall(r"^ *(?:self\.)?(\w+)(?::[^=\n]+)? = ", text, re.M)
        )
        assert not defined & set(OLD_WORDS), module


def test_every_room_says_what_it_is_for() -> None:
    rooms = [path for path in (ROOT / "src" / "mardm_batch").iterdir() if path.is_dir() and path.name != "assets"]
    for room in (room for room in rooms if room.name != "__pycache__"):
        assert (room / "__init__.py").read_text(encoding="utf-8").startswith('"""'), room
