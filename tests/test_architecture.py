"""The rules of docs/architecture.md: floors, forbidden imports, sizes of modules and functions, plain words."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "src").rglob("*.py"))
SCRIPTS = sorted((ROOT / "src").rglob("*.js"))
LONGEST_MODULE = 400
FORBIDDEN_NAMES = {
    *("in_hydra_s_words", "in_our_words", "without_sweeps", "with_time", "mistakes_in_one_line", "refuse", "looks"),
    *("when_gone", "take_part", "see_through", "leave_exit_code", "how_to_go_on", "accounted_for", "settings_of"),
    *("RunRecord", "not_made", "TRIES_TO_BE_FINITE", "RememberingEncoder", "coins", "held_back", "GIVING_WAY"),
    *("CarefulTracker", "OpeningTracker", "what_was_asked", "kinship", "only_telling", "exactly", "quickly", "inked"),
    *("asked", "todo", "there", "telling"),
}
"""Names that say too little or the wrong thing."""


def test_no_room_imports_a_higher_one_or_what_it_must_not() -> None:
    words = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout


def test_no_module_is_too_long_to_be_read() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES + SCRIPTS}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_code_is_formatted_and_functions_are_simple() -> None:
    for words in (["check"], ["format", "--check"]):
        result = subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr


def test_modules_say_their_purpose_and_names_are_plain() -> None:
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        assert text.startswith('"""'), module
        defined = re.findall(r"(?:def|class) (\w+)", text) + re.findall(
            r"^ *(?:self\.)?(\w+)(?::[^=\n]+)? = ", text, re.M
        )
        assert not FORBIDDEN_NAMES.intersection(defined), module
