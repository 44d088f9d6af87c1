"""Expressions whose meaning is said besides: where they are found, and what of it is said."""

from importlib import resources

import pytest

from mardm_batch.judge.judge import load_judge
from mardm_batch.language.expressions import expressions, find_expressions
from mardm_batch.language.words import split_words, stem

CRAWL = "lying face down, propped on the forearms, both elbows bent"
FOUND = {
    "a soldier doing an army crawl": [("army crawl", CRAWL)],
    "Army-crawls through the mud": [("Army-crawls", CRAWL)],
    "no army crawl, but standing": [],
    "instead of an army crawl": [],
    "the army, crawl on": [],
    "army crawling ahead, elbows wide": [("army crawling", "lying face down, propped on the forearms")],
    "skydiver with both arms ahead": [("skydiver", "lying face down, belly down, both knees bent with the feet up")],
}


@pytest.fixture
def few_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of three expressions."""
    parachute = "lying face down, belly down, both arms out to the sides, both knees bent with the feet up"
    some = {
        "army": ((("army", "crawl"), CRAWL), (("army", "crawling"), CRAWL)),
        "skydiver": ((("skydiver",), parachute),),
    }
    monkeypatch.setattr("mardm_batch.language.expressions.expressions", lambda: some)


@pytest.mark.usefixtures("few_expressions")
@pytest.mark.parametrize("caption", FOUND)
def test_expressions_are_found_with_what_the_caption_leaves_open(caption: str) -> None:
    assert list(find_expressions(caption)) == FOUND[caption]


@pytest.mark.usefixtures("few_expressions")
def test_the_meaning_is_said_at_the_end_and_once() -> None:
    reader = load_judge().reader
    reading = reader.rewrite.__wrapped__("A man in an army crawl.")  # without what was read by the list that ships
    assert reading.text == f"A man in an army crawl, {CRAWL}"
    assert [str(change) for change in reading.changes] == [f"'army crawl' as {CRAWL!r} (expression)"]
    assert reader.rewrite.__wrapped__(reading.text).text == reading.text


def test_shipped_expressions_mean_something_in_known_words_and_are_read_once() -> None:
    reader = load_judge().reader
    lines = resources.files("mardm_batch").joinpath("assets", "expressions.txt").read_text("utf-8").splitlines()
    said = [expression for line in lines for expression in line.partition(": ")[0].split(" | ")]
    assert len(said) == len(set(said)) == sum(map(len, expressions().values()))
    for line in lines:
        expression, _, meaning = line.partition(": ")
        assert [word for word in split_words(meaning) if stem(word) not in reader.known] == [], line
        text = reader.rewrite(expression.split(" | ")[0]).text
        assert reader.rewrite(text).text == text, line
