"""How a model reads captions: in which words, and whether it knows them.

Words that it does not know are recorded, or make a failure of the caption.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.model.motion_model import MotionModel
from mardm_batch.prompts.names import Prompt

log = logging.getLogger(__name__)

STAGE: Final = "text"
NO_KNOWN_WORD: Final = "no word of the caption is known to the model"


def advice_about_unreadable(captions: int) -> str:
    """What can be done about captions that failed for `NO_KNOWN_WORD`."""
    return (
        f"captions without any word that the model knows: {captions:,}; no run can make poses of them as they are: "
        "use other words"
    )


@dataclass(frozen=True)
class ReadCaptions:
    """The prompts whose captions can be read, and the failures of all others.

    `unknown_words`: of every caption, each word once, in their order. `read_as`: of every caption that the model
    reads in other words, these words.
    """

    prompts: Sequence[Prompt]
    failures: Sequence[Failure]
    unknown_words: Mapping[str, tuple[str, ...]]
    read_as: Mapping[str, str]

    def describe(self, pose: Pose) -> Pose:
        """The pose, with how its caption was read."""
        caption = pose.prompt.caption
        return replace(pose, read_as=self.read_as.get(caption), unknown_words=self.unknown_words[caption])


def read_captions(prompts: Sequence[Prompt], model: MotionModel, unknown_words: str) -> ReadCaptions:
    """Divide prompts by the words of their captions.

    A caption without any word that the model knows fails always: its pose would have nothing to do with it.

    Args:
        unknown_words: warn, or fail: one unknown word makes a failure too.
    """
    read_as = {}
    for prompt in prompts:
        rewriting = model.read(prompt.caption)
        if rewriting.text != prompt.caption and prompt.caption not in read_as:
            read_as[prompt.caption] = rewriting.text
            log.debug("%s: read as: %s [%s]", prompt.caption, rewriting.text, "; ".join(map(str, rewriting.changes)))
    words = {prompt.caption: tuple(model.unknown_words(prompt.caption)) for prompt in prompts}
    readable, failures = [], []
    for prompt in prompts:
        unknown = words[prompt.caption]
        if not model.knows_a_word(prompt.caption):
            failures.append(Failure.of(prompt, STAGE, NO_KNOWN_WORD))
        elif unknown and unknown_words == "fail":
            error = f"the model does not know: {', '.join(unknown)} (unknown_words=fail)"
            failures.append(Failure.of(prompt, STAGE, error))
        else:
            readable.append(prompt)
    return ReadCaptions(readable, failures, words, read_as)
