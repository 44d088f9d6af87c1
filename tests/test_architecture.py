"""The rules of docs/architecture.md: floors, forbidden imports, and the sizes of modules and functions."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST_MODULE = 400


def test_no_room_imports_a_higher_one_or_what_it_must_not() -> None:
    words = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout


def test_no_module_is_too_long_to_be_read() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "src").rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}
