"""Of several candidates for the pose of a prompt the one that agrees best with its caption. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.prompts.names import Prompt

NOT_FINITE: Final = "joints are not finite, with other noise too"
MORE_CANDIDATES: Final = 3
"""Further candidates at most, sampled one after the other where those before do not convince."""


@dataclass(frozen=True)
class SamplingAttempt:
    """A pose to be sampled; `attempt` counts from 0, each with other noise, until a clip is acceptable.

    Several candidates for the pose of a prompt have other noise each; the first is the pose of a run without others.
    """

    prompt: Prompt
    attempt: int = 0
    rejections: int = 0
    """Number of earlier poses of the prompt that a review rejected."""
    candidate: int = 0


class Candidates:
    """The candidates for each prompt, until one is chosen."""

    def __init__(self, number: int, min_agreement: float | None = None) -> None:
        """`number` of candidates for each prompt; more where the best of them agrees less than `min_agreement`."""
        self.number, self.min_agreement = number, min_agreement
        self.sampled: dict[str, dict[int, Pose | Failure]] = {}
        """By name of the prompt and number of the candidate."""

    def incomplete(self) -> set[str]:
        """The names of the prompts for which some candidates are sampled, and others missing."""
        return set(self.sampled)

    def add(self, sampled: SamplingAttempt, result: Pose | Failure) -> Pose | Failure | SamplingAttempt | None:
        """What becomes of the prompt with this candidate: the best one, or a further one to sample.

        None while others are missing.
        """
        name = sampled.prompt.name
        results = self.sampled.setdefault(name, {})
        results[sampled.candidate] = result
        if len(results) < self.number:
            return None
        best = best_candidate([result for _, result in sorted(results.items())])
        if isinstance(best, Pose) and not self._convinces(best) and len(results) < self.number + MORE_CANDIDATES:
            return SamplingAttempt(sampled.prompt, rejections=sampled.rejections, candidate=len(results))
        del self.sampled[name]
        return best

    def _convinces(self, pose: Pose) -> bool:
        """Whether no other candidate is needed."""
        if self.min_agreement is None:
            return True
        agrees = pose.agreement is None or pose.agreement >= self.min_agreement
        return pose.acceptable and pose.is_possible and pose.shows_statements and agrees


def best_candidate(results: Sequence[Pose | Failure]) -> Pose | Failure:
    """Of the candidates for a prompt the pose that agrees best with its caption, of several alike the first.

    One that is not acceptable comes after all that are, then one that misses what its caption states; of those that
    agree alike one that is possible comes first.
    Candidates that are not finite drop out; one that raised an error makes a failure of the prompt, as it might be the
    best when it is sampled again.
    """
    poses = [result for result in results if isinstance(result, Pose)]
    failures = [result for result in results if isinstance(result, Failure)]
    raised = [failure for failure in failures if failure.error != NOT_FINITE]
    if raised or not poses:
        return (raised or failures)[0]
    # the first of equal ones
    return max(
        poses, key=lambda pose: (pose.acceptable, pose.shows_statements, pose.agreement or 0.0, pose.is_possible)
    )
