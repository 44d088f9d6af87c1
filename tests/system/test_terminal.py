"""Text from outside cannot steer the terminal or flood it; the time left is shown once it means something."""

import io
import logging
import os
import re
import time

import pytest
from rich.console import Console

from mardm_batch.system import terminal
from mardm_batch.system.commands import command_parser
from mardm_batch.system.terminal import (
    LONGEST_LINE,
    SECONDS_UNTIL_RATE,
    ConsoleHandler,
    Output,
    ProgressDisplay,
    Terminal,
    print_output,
    printable,
    printable_lines,
    rate_text,
)

HOSTILE = "a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e\u200b\nb"
ESCAPED = r"a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e\u200b\nb"


def test_untrusted_text_cannot_steer_the_terminal() -> None:
    assert printable("人 \x1b[2J\n\u202e\udc80") == "人 \\x1b[2J\\n\\u202e\\x80"
    assert printable(HOSTILE) == ESCAPED


def test_long_text_is_cut_in_its_middle_and_at_once() -> None:
    long = "begin" + "\0" * 50_000_000 + "end"
    started = time.monotonic()
    text = printable(long)
    assert time.monotonic() - started < 0.5
    assert len(text) < 4 * LONGEST_LINE + 10
    assert (text[:5], text[-3:]) == ("begin", "end")
    assert printable("x" * LONGEST_LINE) == "x" * LONGEST_LINE
    assert printable("x" * 50, 10) == "xxxxxx … xxx"


def test_messages_on_the_terminal_are_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Terminal(file=io.StringIO(), width=40)
    monkeypatch.setattr(terminal, "CONSOLE", console)
    message = f"failed: %s {'x' * 2000}"
    ConsoleHandler().emit(logging.LogRecord("a", logging.ERROR, "a.py", 1, message, (HOSTILE,), None))
    console.print(f"two lines\n{HOSTILE}", markup=False, soft_wrap=True)
    first, second, *more = console.file.getvalue().splitlines()
    assert first.startswith(f"error: failed: {ESCAPED} xxx")
    assert len(first) < LONGEST_LINE + 50
    assert [second, *more] == ["two lines", r"a\x1b[2J\x1b]0;title\x07\x9b31m\r\u202e\u200b", "b"]


def test_long_text_of_several_lines_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    print_output(printable_lines("Settings\n  paths.prompts  \x1b[31m\n"))
    assert capsys.readouterr().out == "Settings\n  paths.prompts  \\x1b[31m\n\n"


def test_output_whose_reader_has_ended_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    for show in (print_output, Output(soft_wrap=True).print):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as stdout:
            monkeypatch.setattr("sys.stdout", stdout)
            show("first " * 20_000)
            show("second")


def test_an_output_that_is_full_ends_the_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for show in (print_output, Output(soft_wrap=True).print, command_parser("verify", "Audit.").parse_args):
        with open("/dev/full", "w") as stdout:
            monkeypatch.setattr("sys.stdout", stdout)
            with pytest.raises(SystemExit) as ended:
                show(["--help"] if show.__name__ == "parse_args" else "first " * 20_000)
            print_output("second")  # is discarded, as is what the interpreter flushes at its end
        assert ended.value.code == 1
        assert capsys.readouterr().err == "error: standard output: No space left on device\n"


def test_of_small_rates_two_digits_are_shown() -> None:
    rates = (123.4, 12.34, 1.0, 0.95, 0.1234, 0.012)
    assert [rate_text(each).split()[0] for each in rates] == ["123.4", "12.3", "1.0", "0.95", "0.12", "0.012"]


class Clock:
    """Time that passes when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(terminal.time, "monotonic", lambda: self.now)


@pytest.mark.parametrize(
    ("batch", "sampling", "drawing"),
    [(64, 60.0, 0.05), (256, 60.0, 0.1), (256, 0.3, 0.05), (1, 0.5, 0.01), (512, 1.0, 0.001)],
)
def test_the_first_time_left_is_no_fantasy(
    monkeypatch: pytest.MonkeyPatch, batch: int, sampling: float, drawing: float
) -> None:
    """A device samples batches one after the other; one process draws their poses."""
    clock, total = Clock(monkeypatch), 5000
    sampled = [(number // batch + 1) * sampling for number in range(total)]
    ends, free = [], 0.0
    for ready in sampled:
        free = max(free, ready) + drawing
        ends.append(free)
    display = ProgressDisplay(total, bar=False)
    events = sorted([(end, 1) for end in ends] + [(each, 0) for each in sorted(set(sampled))])
    shown = []
    for moment, done in events:
        clock.now = 1000.0 + moment
        if done:
            display.advance(done=1)
        else:
            display.count_batch(sampling)
        left = display.seconds_left
        if left is not None and moment < 0.6 * ends[-1]:
            shown.append(left / (ends[-1] - moment))
    assert shown
    assert min(shown) > 0.4
    assert max(shown) < 2.5


def test_neither_rate_nor_time_left_is_told_before_they_mean_something(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    clock, display = Clock(monkeypatch), ProgressDisplay(1000, bar=False)
    caplog.set_level(logging.INFO)
    assert display.seconds_left is None
    clock.now += 12
    display.count_batch(2.0)
    display.advance()
    assert not caplog.messages
    display.advance(done=1)
    assert display.seconds_left is None
    assert caplog.messages == ["1 of 1000 poses"]
    clock.now += 12
    display.advance(done=999)
    assert display.seconds_left == 0.0
    assert len(caplog.messages) == 1  # at its end a run says the same in its own words


def test_of_a_single_batch_the_second_half_has_a_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, display = Clock(monkeypatch), ProgressDisplay(100, bar=False)
    clock.now += 30
    display.count_batch(30.0)
    for _ in range(60):
        clock.now += 0.1
        display.advance(done=1)
    assert display.seconds_left == pytest.approx(4.0, rel=0.05)


def test_a_bar_has_the_rate_where_it_has_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(terminal, "CONSOLE", console)
    clock = Clock(monkeypatch)
    display = ProgressDisplay(100, bar=True)

    def shown() -> str:
        assert display.bar is not None
        with console.capture() as capture:
            console.print(display.bar.get_renderable())
        return capture.get()

    display.count_batch(2.0)
    display.count_batch(2.0)
    display.advance(done=8)
    assert not re.search("poses/s|left", shown())
    clock.now += SECONDS_UNTIL_RATE  # without a further pose
    assert re.search("4.0 poses/s.* left", shown())
