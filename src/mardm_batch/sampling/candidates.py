"""Of several candidates for the pose of a prompt the one that agrees best with its caption. No torch here."""

from collections.abc import Sequence
from typing import Final

from mardm_batch.dataset.records import Failure, Pose
from mardm_batch.prompts.names import Prompt

NOT_FINITE: Final = "joints are not finite, with other noise too"


class Candidates:
    """The candidates for each prompt, until all of them are sampled and one is chosen."""

    def __init__(self, number: int) -> None:
        """`number` of candidates for each prompt."""
        self.number = number
        self.sampled: dict[str, dict[int, Pose | Failure]] = {}
        """By name of the prompt and number of the candidate."""

    def incomplete(self) -> set[str]:
        """The names of the prompts for which some candidates are sampled, and others missing."""
        return set(self.sampled)

    def add(self, prompt: Prompt, number: int, result: Pose | Failure) -> Pose | Failure | None:
        """What becomes of the prompt with this candidate; None while others are missing."""
        results = self.sampled.setdefault(prompt.name, {})
        results[number] = result
        if len(results) < self.number:
            return None
        del self.sampled[prompt.name]
        return best_candidate([result for _, result in sorted(results.items())])


def best_candidate(results: Sequence[Pose | Failure]) -> Pose | Failure:
    """Of the candidates for a prompt the pose that agrees best with its caption, of several alike the first.

    One that is not acceptable comes after all that are. Candidates that are not finite drop out; one that raised an
    error makes a failure of the prompt, as it might be the best when it is sampled again.
    """
    poses = [result for result in results if isinstance(result, Pose)]
    failures = [result for result in results if isinstance(result, Failure)]
    raised = [failure for failure in failures if failure.error != NOT_FINITE]
    if raised or not poses:
        return (raised or failures)[0]
    return max(poses, key=lambda pose: (pose.acceptable, pose.agreement or 0.0))  # the first of equal ones
