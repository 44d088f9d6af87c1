"""How the poses fare that were made again because a review had rejected those before."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from mardm_batch.dataset.records import LOW_AGREEMENT
from mardm_batch.dataset.reviews import ReviewList
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.terminal import counted

log = logging.getLogger(__name__)

NAMES_LISTED: Final = 5


def log_remade(prompts: Iterable[Prompt], store: PoseStore, min_agreement: float | None) -> None:
    """One line about the poses of these prompts that were made again and have no verdict yet, where there are any.

    Args:
        min_agreement: which agreement with the caption convinces; None: `LOW_AGREEMENT`.
    """
    with suppress(OSError):  # what cannot be read is reported otherwise
        agreements = remade_poses(prompts, store)
        if agreements:
            log.info("%s", describe_remade(agreements, LOW_AGREEMENT if min_agreement is None else min_agreement))


def remade_poses(prompts: Iterable[Prompt], store: PoseStore) -> dict[str, float | None]:
    """By name of each pose that is in the place of a rejected one and has no verdict, its agreement where measured.

    Raises:
        OSError: the reviews or a pose cannot be read.
    """
    reviews = ReviewList(store.output).read()
    rejections = reviews.rejections()
    agreements = {}
    for name, document in store.read_several(prompt.name for prompt in prompts if rejections.get(prompt.name)):
        if document.rejections and reviews.verdict(name, document) is None:
            agreements[name] = document.agreement
    return agreements


def describe_remade(agreements: Mapping[str, float | None], threshold: float) -> str:
    """How many poses were made again, and how many of them still agree less than a threshold, the worst named."""
    measured = {name: value for name, value in agreements.items() if value is not None}
    low = sorted((value, name) for name, value in measured.items() if value < threshold)
    text = f"{counted(len(agreements), 'pose')} made again and not reviewed yet"
    if not measured:
        return f"{text}; how well captions are met cannot be measured"
    unmeasured = f" ({len(agreements) - len(measured)} cannot be measured)" if len(measured) < len(agreements) else ""
    if not low:
        return f"{text}; none agrees less than {threshold:g} with its caption{unmeasured}"
    listed = ", ".join(f"{name} ({value:.2f})" for value, name in low[:NAMES_LISTED])
    more = f" and {len(low) - NAMES_LISTED:,} more" if len(low) > NAMES_LISTED else ""
    verb = "agrees" if len(low) == 1 else "agree"
    return f"{text}; {len(low):,} still {verb} less than {threshold:g}{unmeasured}: {listed}{more}"
