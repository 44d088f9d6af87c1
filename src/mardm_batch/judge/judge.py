"""Agreement of poses with their captions, by the geometric conditions that a caption states.

A small network reads the conditions out of a caption, with probabilities; measures of the joints say which of them
hold. So the score serves every model, and owes nothing to how that reads captions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.errors import InputError
from mardm_batch.judge.judge_file import PACKAGED, content_hash, not_a_judge
from mardm_batch.judge.network import CaptionNetwork, Tokenizer
from mardm_batch.language.rewriting import CaptionReader
from mardm_batch.pose.conditions import Condition, either_side, holds_all, mirror_condition, parse
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.sides import swap_sides
from mardm_batch.system.files import read_regular

LEAST_PROBABILITY: Final = 0.15
"""A condition that a caption states less probably than this does not count; from there on its weight grows."""
PROBABLE: Final = 0.3
"""A condition that a caption states more probably than this is kept where the pose is changed for another one."""
LEAST_WEIGHT: Final = 0.05
"""In nats. Conditions that weigh less are not checked."""
LEAST_TOTAL: Final = 0.5
"""In nats. A caption whose conditions weigh less all together states nothing that can be judged."""
SHARES: Final = (0.005, 0.75)
"""Conditions weigh as if this share of poses at least, and this at most, met them."""
DECIMALS: Final = 3
"""Of the agreement: what is computed beside a caption in its batch changes less than that."""


@dataclass(frozen=True)
class Demands:
    """What a caption states: places in `Judge.conditions`, and the weight of each in nats."""

    places: NDArray[np.intp]
    weights: NDArray[np.float64]

    @property
    def are_none(self) -> bool:
        """Whether they do not suffice to judge a pose."""
        return float(self.weights.sum()) < LEAST_TOTAL


@dataclass(frozen=True)
class Agreement:
    """Of one pose with its caption.

    `score` from 0 to 1: the share of what the caption states that the pose meets, each condition weighted by how
    probably it is stated and by how few poses meet it; None where the caption states nothing that can be judged.
    `missed`: the conditions that the pose does not meet; of a row of stronger and stronger ones the weakest.
    """

    score: float | None
    missed: tuple[str, ...]


class Judge:
    """Reads captions, and says how far poses agree with them.

    Attributes:
        conditions: the texts of all conditions that it knows; see `judged_conditions`.
        sha256: see `judge_file.judge_hash`.
    """

    def __init__(
        self,
        network: CaptionNetwork,
        vocabulary: Sequence[str],
        outputs: Sequence[str],
        shares: Sequence[float],
        implied: Sequence[tuple[int, int]],
        sha256: str = "",
    ) -> None:
        """
        Args:
            network: reads the conditions `outputs` out of a caption, and their mirror images out of the caption with
                left and right exchanged.
            shares: of arbitrary poses that meet each of `judged_conditions(outputs)`.
            implied: places of two of these of which the second follows from the first.
        """
        self.network, self.tokenizer, self.sha256 = network, Tokenizer(vocabulary), sha256
        self.reader = CaptionReader(vocabulary)
        self.conditions = judged_conditions(outputs)
        self.information = -np.log(np.clip(np.array(shares, np.float64), *SHARES))
        """Of each condition in nats: what is rarely met by chance says more."""
        self.mirrored = np.flatnonzero([mirrored_condition(text) != text for text in outputs])
        """Outputs of which the mirror image is another condition."""
        self.implied = np.zeros((len(self.conditions), len(self.conditions)), bool)
        """Whether (k, k) of two conditions the second follows from the first."""
        self.implied[tuple(np.array(implied, np.intp).reshape(-1, 2).T)] = True

    def probabilities(self, captions: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities (b, k) that captions state each of the conditions."""
        captions = [self.reader.rewrite(caption).text for caption in captions]
        swapped = [swap_sides(caption) for caption in captions]
        texts = list(dict.fromkeys([*captions, *swapped]))
        logits = self.network.logits([self.tokenizer.tokenize(text) for text in texts]).astype(np.float64)
        rows = {text: row for row, text in enumerate(texts)}
        own, other = (1.0 / (1.0 + np.exp(-logits[[rows[text] for text in each]])) for each in (captions, swapped))
        # What is stated of one side without naming it has half a probability on each.
        one, image = own[:, self.mirrored], other[:, self.mirrored]
        both = np.maximum(one + image - 1.0, 0.0)
        on_either = np.minimum(one, image) - both
        own[:, self.mirrored] -= on_either
        return np.hstack([own, image - on_either, np.minimum(one + image, 1.0)])

    def demands(self, captions: Sequence[str]) -> list[Demands]:
        """What each of the captions states."""
        return [self._weigh(row) for row in self.probabilities(captions)]

    def probable_conditions(self, caption: str) -> tuple[list[Condition], list[float]]:
        """The conditions that a caption probably states, and the weight of each in nats."""
        (probabilities,) = self.probabilities([caption])
        demands = self._weigh(probabilities)
        chosen = probabilities[demands.places] > PROBABLE
        places, weights = demands.places[chosen], demands.weights[chosen]
        return [parse(self.conditions[place]) for place in places], weights.tolist()

    def agreement(self, captions: Sequence[str], joints: Joints) -> list[Agreement]:
        """The agreement of each of the poses (b, 22, 3), in canonical position, with its caption."""
        unique = list(dict.fromkeys(captions))
        by_caption = dict(zip(unique, self.demands(unique), strict=True))
        demands = [by_caption[caption] for caption in captions]
        needed = sorted({int(place) for each in demands for place in each.places})
        rows = {place: row for row, place in enumerate(needed)}
        holds = holds_all([self.conditions[place] for place in needed], np.asarray(joints, np.float64))  # (c, b)
        return [
            self._judge(each, holds[[rows[int(place)] for place in each.places], number])
            for number, each in enumerate(demands)
        ]

    def scores(self, captions: Sequence[str], joints: Joints) -> list[float | None]:
        """The scores of `agreement`."""
        return [each.score for each in self.agreement(captions, joints)]

    def _weigh(self, probabilities: NDArray[np.float64]) -> Demands:
        """The conditions that are probable enough, by how certain it is that they are the strongest stated of their
        kind, and by how few poses meet them."""
        places = np.flatnonzero(probabilities > LEAST_PROBABILITY)
        certainty = (probabilities[places] - LEAST_PROBABILITY) / (1.0 - LEAST_PROBABILITY)
        of_stronger = (self.implied[np.ix_(places, places)] * certainty[:, None]).max(axis=0, initial=0.0)
        weights = np.maximum(certainty - of_stronger, 0.0) * self.information[places]
        weighty = weights >= LEAST_WEIGHT
        return Demands(places[weighty], weights[weighty])

    def _judge(self, demands: Demands, holds: NDArray[np.bool_]) -> Agreement:
        if demands.are_none:
            return Agreement(None, ())
        missed = demands.places[~holds]
        weakest = missed[~self.implied[np.ix_(missed, missed)].any(axis=1)]
        score = float(demands.weights[holds].sum() / demands.weights.sum())
        return Agreement(round(score, DECIMALS), tuple(self.conditions[place] for place in weakest))


def judged_conditions(outputs: Sequence[str]) -> tuple[str, ...]:
    """The outputs, the mirror images of those that have one, and in the same order "either side" of these."""
    sided = [text for text in outputs if mirrored_condition(text) != text]
    return (*outputs, *map(mirrored_condition, sided), *map(either_side, sided))


def mirrored_condition(condition: str) -> str:
    """The mirror image, its clauses sorted."""
    return sorted_clauses(mirror_condition(condition))


def sorted_clauses(condition: str) -> str:
    """The condition with its clauses in alphabetical order: of several texts that mean the same always one."""
    return " or ".join(sorted(dict.fromkeys(condition.split(" or "))))


@cache
def load_judge(path: Path = PACKAGED) -> Judge:
    """The judge of a file that `python -m mardm_batch.train.judge` wrote.

    Raises:
        InputError: it is none.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        content = read_regular(path)
        weights = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        about: Mapping[str, Any] = json.loads(header["__metadata__"]["judge"])
        shares, implied = weights.pop("shares"), weights.pop("implied")
        return Judge(
            CaptionNetwork(weights),
            about["vocabulary"],
            about["outputs"],
            shares.tolist(),
            [(int(first), int(second)) for first, second in implied],
            content_hash(content),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise InputError(not_a_judge(path, error)) from None
