"""What the judge learns from: composed captions, and which of its conditions each of them states.

Nobody labels anything: a caption is composed of entries, and entries state conditions. What follows from a condition is
counted on composed poses: hands 10 cm above the head are above the head, and above the shoulders.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.judge.judge import judged_conditions, mirrored_condition, sorted_clauses
from mardm_batch.library.describe import imagine_description, posecode_conditions
from mardm_batch.library.library import Library, load_library
from mardm_batch.pose.conditions import holds_all, mirror_condition
from mardm_batch.pose.geometry import mirror_image

_DESCRIPTION_SHARE: Final = 0.15
"""Share of captions that describe joints by posecodes; all others are compositions of the pose library."""
_LEAST_POSES: Final = 8
_LARGEST_SHARE: Final = 0.95
"""Conditions that fewer poses meet, or a larger share of them, are not judged."""
_SAME: Final = 0.9
"""Two conditions of the same parts and sides are judged as one where each is met by this share of the poses that meet
the other, and missed by this share of those that miss it."""
_EXCEPTIONS: Final = 0.03
_FEWER_EXCEPTIONS: Final = 0.1
"""A condition follows from another where this share of the poses at most that meet the other miss it, and this part at
most of the share of all poses that miss it: nearly all hands are off the floor, whatever else they do."""
OPEN_SIDE: Final = 0.5
"""Target of a condition, and of its mirror image, that a caption states of one side without naming it."""
_SINGULARS: Final = {"feet": "foot"}


@dataclass(frozen=True)
class JudgedConditions:
    """The conditions of a judge, and what follows from those that captions state.

    Attributes:
        outputs: those that the network has outputs for; of a condition and its mirror image only one.
        shares: of composed poses that meet each of `judged_conditions(outputs)`.
        implied: places of two of these of which the second follows from the first.
        stated: for each condition that a caption may state the places of the outputs and mirror images that follow
            from it.
        mirrored: of each output and mirror image the place of its mirror image, its own where that is the same.
    """

    outputs: tuple[str, ...]
    shares: tuple[float, ...]
    implied: tuple[tuple[int, int], ...]
    stated: Mapping[str, NDArray[np.intp]]
    mirrored: NDArray[np.intp]

    def targets(self, conditions: Sequence[str]) -> NDArray[np.float32]:
        """Targets for outputs and mirror images, by the conditions that a caption states."""
        targets = np.zeros(len(self.mirrored), np.float32)
        for each in map(sorted_clauses, conditions):
            text = one_side(each)
            if text not in self.stated:
                continue
            places = self.stated[text]
            if text == each:
                targets[places] = 1.0
            else:
                both = np.intersect1d(places, self.mirrored[places])
                either = np.union1d(places, self.mirrored[places])
                targets[either] = np.maximum(targets[either], OPEN_SIDE)
                targets[both] = 1.0
        return targets


def compose_captions(
    count: int, rng: np.random.Generator, report: Callable[[int], None] = lambda composed: None
) -> list[tuple[str, tuple[str, ...]]]:
    """Random captions of training, none held out, with the conditions that they state; no pose is computed."""
    library, captions = load_library(), list[tuple[str, tuple[str, ...]]]()
    while len(captions) < count:
        if rng.random() < _DESCRIPTION_SHARE:
            description = imagine_description(rng)
            captions.append((description.caption, description.conditions))
        else:
            composition = library.compose(rng)
            words = composition.compose_caption(rng, with_synonyms=True)
            if library.split.held_out_kinds(composition.entries, words.phrases):
                continue
            captions.append((words.caption, composition.stated_conditions(words.sided)))
        report(len(captions))
    return captions


def compose_poses(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Random poses of the library and their mirror images (2 * count, 22, 3)."""
    library = load_library()
    poses = np.stack([library.compose(rng).joints(rng) for _ in range(count)])
    return np.concatenate([poses, mirror_image(poses)]).astype(np.float64)


def choose_conditions(poses: NDArray[np.float64]) -> JudgedConditions:
    """The conditions that captions of the library may state, those that differ on these poses (n, 22, 3)."""
    stated = sorted(stated_conditions(load_library()))
    counts = _Counts(stated, poses)
    outputs: list[str] = []
    chosen = np.zeros(len(stated), bool)
    for text in sorted(stated, key=lambda text: (-counts.met[counts.places[text]], text)):
        place = counts.places[text]
        usable = _LEAST_POSES <= counts.met[place] <= _LARGEST_SHARE * len(poses)
        if usable and not chosen[place] and not (counts.same[place] & chosen).any():
            outputs.append(text)
            chosen[[place, counts.places[mirrored_condition(text)]]] = True
    texts = judged_conditions(outputs)
    mirrored = sum(mirrored_condition(text) != text for text in outputs)
    sided = texts[: len(outputs) + mirrored]
    places = {text: place for place, text in enumerate(sided)}
    of_judged = _Counts(texts, poses)
    implied = of_judged.follows(texts)
    implied[implied & implied.T & np.tri(len(texts), dtype=bool)] = False  # of two alike, one follows from the other
    return JudgedConditions(
        outputs=tuple(outputs),
        shares=tuple((of_judged.met / len(poses)).tolist()),
        implied=tuple((int(first), int(second)) for first, second in np.argwhere(implied)),
        stated={text: np.flatnonzero(row) for text, row in zip(stated, counts.follows(sided), strict=True)},
        mirrored=np.array([places[mirrored_condition(text)] for text in sided], np.intp),
    )


def stated_conditions(library: Library) -> set[str]:
    """Every condition that a composed caption may state, and its mirror image; those on either side as on one."""
    own = {text for entry in library.entries for text in entry.conditions} | posecode_conditions()
    texts = {one_side(sorted_clauses(text)) for text in own}
    return texts | {mirrored_condition(text) for text in texts}


def one_side(condition: str) -> str:
    """Of "a condition or its mirror image" the first, any other as it is; clauses are sorted."""
    first, *others = condition.split(" or ")
    return first if others == [mirror_condition(first)] else condition


def subjects(condition: str) -> frozenset[str]:
    """The parts of the body that a condition is about, without their sides: left_hand and hands are both hand."""
    found = set()
    for clause in condition.split(" or "):
        word = clause.removeprefix("either ").split(" ")[0]
        word = re.sub(r"^(?:left|right)_", "", word)
        found.add(_SINGULARS.get(word, word if word == "pelvis" else word.removesuffix("s")))
    return frozenset(found | {"knee"} if "kneeling" in found else found)


def sides(condition: str) -> frozenset[str]:
    """The sides that a condition names; "either" counts as one."""
    return frozenset(re.findall(r"left|right|either", condition))


class _Counts:
    """How many of the poses meet conditions (c), alone and in pairs."""

    def __init__(self, texts: Sequence[str], poses: NDArray[np.float64]) -> None:
        self.places = {text: place for place, text in enumerate(texts)}
        parts = [subjects(text) for text in texts]
        kinds = list(dict.fromkeys(parts))
        kind = np.array([kinds.index(each) for each in parts])
        about = np.array([[other <= own for other in kinds] for own in kinds])
        self.about = about[np.ix_(kind, kind)]
        """Whether (c, c) of two conditions the second speaks of no other part than the first."""
        named = np.array([",".join(sorted(sides(text))) for text in texts])
        holds = holds_all(texts, poses).astype(np.float32)
        self.met = holds.sum(axis=1)
        self.missed = len(poses) - self.met
        self.both = holds @ holds.T
        neither = self.missed[:, None] - self.met + self.both
        self.same = (
            (self.about & self.about.T & (named[:, None] == named))
            & (self.both >= _SAME * np.maximum(np.maximum.outer(self.met, self.met), 1.0))
            & (neither >= _SAME * np.maximum(np.maximum.outer(self.missed, self.missed), 1.0))
        )
        """Whether (c, c) two conditions of the same parts and sides are nearly always met, and missed, together."""

    def follows(self, others: Sequence[str]) -> NDArray[np.bool_]:
        """Whether (c, others) each of the others follows from each of all; they speak of no other part then."""
        places = [self.places[text] for text in others]
        exceptions = 1.0 - self.both[:, places] / np.maximum(self.met, 1.0)[:, None]
        usual = self.missed[places] / (self.met[0] + self.missed[0])  # (others,)
        few = (exceptions <= _EXCEPTIONS) & (exceptions <= _FEWER_EXCEPTIONS * usual)
        enough = (self.met >= _LEAST_POSES)[:, None]
        return np.asarray(self.same[:, places] | (self.about[:, places] & few & enough))
