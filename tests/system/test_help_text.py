"""Help texts fit their width and lose no word."""

import pytest

from mardm_batch.system.help_text import wrap_help

TEXT = """\
  python -m mardm_batch.monitor SinglePose          from another terminal
  python -m mardm_batch.monitor SinglePose --json
                                                    for scripts, which read
                                                    what it prints

Reads the records that the shards leave in the output folder. Waits for a run to start.
Exit codes: 0.
"""


@pytest.mark.parametrize("width", [40, 60, 80, 100, 130])
def test_examples_and_paragraphs_fit_the_width_and_keep_every_word(width: int) -> None:
    text = wrap_help(TEXT, width)
    assert max(map(len, text.splitlines())) <= width
    assert [word for word in text.split() if word != "\\"] == TEXT.split()


def test_descriptions_stand_beside_their_commands_where_there_is_room() -> None:
    assert wrap_help(TEXT, 130).splitlines()[:2] == [
        "  python -m mardm_batch.monitor SinglePose           from another terminal",
        "  python -m mardm_batch.monitor SinglePose --json    for scripts, which read what it prints",
    ]
    assert wrap_help(TEXT, 75).splitlines()[:2] == [
        "  python -m mardm_batch.monitor SinglePose",
        "      from another terminal",
    ]
