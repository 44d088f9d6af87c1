"""Captions that the model cannot read become failures of the stage "text", by the user's word or always."""

import pytest

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.language.rewriting import CaptionReader
from mardm_batch.model.motion_model import MotionModel
from mardm_batch.model.words import WordEncoder
from mardm_batch.prompts.names import name_prompts
from mardm_batch.prompts.prompt_file import Entry
from mardm_batch.prompts.prompt_list import bundled_prompts, read_prompts
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.sampler import load_sampler
from mardm_batch.sampling.vocabulary import NO_KNOWN_WORD, read_captions


class Reader(MotionModel):
    """Reads captions as the embedded model does."""

    encoder = WordEncoder(("person", "rais", "arm"), size=8, width=8, layers=1, heads=1)
    weights_hash = ""

    def generate(self, captions, keys, frames):
        raise NotImplementedError

    def unknown_words(self, caption: str) -> list[str]:
        return self.encoder.unknown_words(caption)

    def knows_a_word(self, caption: str) -> bool:
        return self.encoder.knows_a_word(caption)


KNOWN, PARTLY = "Person raising arms", "Person zorbing, raising a flibber"
UNREADABLE = ["坐着的人", "Flibber zorbing", "🙂 🙂", "…?!", "12345", "сидит"]


@pytest.mark.parametrize("setting", ["warn", "fail"])
def test_a_caption_without_any_known_word_is_a_failure_always(setting: str) -> None:
    read = read_captions(name_prompts(map(Entry, [KNOWN, *UNREADABLE])), Reader(), setting)
    assert [prompt.caption for prompt in read.prompts] == [KNOWN]
    assert [each.caption for each in read.failures] == UNREADABLE
    assert {(each.stage, each.error) for each in read.failures} == {("text", NO_KNOWN_WORD)}


def test_a_caption_with_unknown_words_is_made_or_fails_by_the_setting() -> None:
    prompts = name_prompts(map(Entry, [KNOWN, PARTLY]))
    read = read_captions(prompts, Reader(), "warn")
    assert (read.prompts, read.failures) == (list(prompts), [])
    assert read.unknown_words == {KNOWN: (), PARTLY: ("zorbing", "a", "flibber")}
    read = read_captions(prompts, Reader(), "fail")
    assert [prompt.caption for prompt in read.prompts] == [KNOWN]
    (failure,) = read.failures
    assert (failure.stage, failure.caption) == ("text", PARTLY)
    assert failure.error == "the model does not know: zorbing, a, flibber (unknown_words=fail)"


def test_captions_that_are_read_in_other_words_are_listed_and_told_on_request(caplog: pytest.LogCaptureFixture) -> None:
    class Rewriting(Reader):
        rules = CaptionReader(Reader.encoder.vocabulary)

        def read(self, caption: str):
            return self.rules.rewrite(caption)

    caplog.set_level("DEBUG", "mardm_batch")
    read = read_captions(name_prompts(map(Entry, [KNOWN, "Persn rasing arms"])), Rewriting(), "warn")
    assert read.read_as == {"Persn rasing arms": "Person raising arms"}
    (line,) = caplog.messages
    assert line.startswith("Persn rasing arms: read as: Person raising arms [")
    assert "'rasing' as 'raising' (spelling)" in line


def test_known_words_that_are_cut_off_do_not_count() -> None:
    caption = " ".join(["flibber"] * 64 + ["person"])
    assert not Reader().knows_a_word(caption)


def test_a_model_that_reads_every_word_makes_every_caption() -> None:
    class Clip(Reader):
        unknown_words = MotionModel.unknown_words
        knows_a_word = MotionModel.knows_a_word

    read = read_captions(name_prompts(map(Entry, UNREADABLE)), Clip(), "fail")
    assert [prompt.caption for prompt in read.prompts] == UNREADABLE


def test_the_embedded_model_knows_every_word_of_the_bundled_captions() -> None:
    register_schemas()
    model = load_sampler(to_config(compose_config(["cpu_threads=1"])), 1).model
    for name in ("static_poses.md", "static_poses_10k.md"):
        prompts = read_prompts(bundled_prompts().with_name(name)).prompts
        assert {each.caption: words for each in prompts if (words := model.unknown_words(each.caption))} == {}
