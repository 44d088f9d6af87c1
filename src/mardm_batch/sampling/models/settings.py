"""Base classes of the models' settings. No torch here: settings are checked without it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mardm_batch.config.schema import SampledSettings, SamplingSettings, number, one_of, setting, whole
from mardm_batch.errors import ConfigurationError
from mardm_batch.sampling.device import batch_bounds, choose_precision

if TYPE_CHECKING:
    from mardm_batch.model.decoding import Sampler
    from mardm_batch.model.flow import OdeSampler
    from mardm_batch.model.motion_model import MotionModel

SOLVER_STEPS = {"adams": 10, "midpoint": 8, "euler": 8, "dopri5": 50}
"""Usual steps; of dopri5 the points of the grid over which the published sampler integrates."""


@dataclass
class ModelSettings(SampledSettings, ABC):
    """Settings that load a model."""

    SECTION: ClassVar[str] = "model"
    IS_SMALL: ClassVar[bool] = False
    """Whether sampling a pose takes no longer than drawing it: sampling then leaves half of the cores to drawing."""

    name: str = setting("written into every pose's JSON; of a published model also the folder of its checkpoint")
    cfg: float = setting("the model's own guidance scale", number(0, 100))
    cfg_quality: float = setting("the guidance scale of the preset quality", number(0, 100))
    min_agreement: float | None = setting(
        "sampling.min_agreement where that does not say otherwise", number(0, 1), default=None
    )
    adjust: bool = setting("sampling.adjust where that does not say otherwise", default=False)
    frames: int = setting("frames of a clip where sampling.sequence_length does not say otherwise", whole(1))
    time_steps: int | None = setting(
        "decoding steps where sampling.time_steps does not say otherwise; null: the model has none", whole(1)
    )

    def check_sampling(self, sampling: SamplingSettings) -> None:
        """See `SampledSettings.check_sampling`: a model decodes in steps unless it says otherwise."""
        sampling.decoding_steps  # noqa: B018  (raises)

    @abstractmethod
    def load(self, sampling: SamplingSettings, device: str) -> "MotionModel":
        """The model on a torch device (`cpu`, `cuda:0`), ready to make clips as the sampling settings say.

        Raises:
            InputError: its files are missing, broken or of another size.
        """

    def provenance(self) -> dict[str, Any]:
        """Those of the settings that decide what a pose is, as a pose's JSON has them under `sampling`."""
        return {}

    @property
    def batches_are_independent(self) -> bool:
        """Whether a pose is the same whatever else is in its batch."""
        return True

    def batch_bounds(self, device: str) -> tuple[int, int]:
        """Poses at once on a device: to start with, and at most."""
        return batch_bounds(device, self.IS_SMALL, self.batches_are_independent)

    def choose_precision(self, precision: str, device: str) -> str:
        """float32 or bfloat16, for `sampling.precision`."""
        return choose_precision(precision, device, self.IS_SMALL)

    def weights_hash(self) -> str | None:
        """SHA-256 of the weights where it is known without loading them, so that other weights are noticed at once.

        Raises:
            InputError: the file of weights is missing or broken.
        """
        return None


@dataclass
class FlowSettings(ModelSettings, ABC):
    """A model that is a flow (SiT): an ordinary differential equation is solved for every token, or every clip."""

    solver: str = setting(
        "adams, midpoint, euler: fixed steps of 1, 2, 1 evaluations; dopri5: adaptive, as published, one pose at a "
        "time unless sampling.batch_size is a number",
        one_of(*SOLVER_STEPS),
    )
    solver_steps: int | None = setting(
        "steps of the solver, of dopri5 points of its time grid; null: "
        + ", ".join(f"{solver} {steps}" for solver, steps in SOLVER_STEPS.items()),
        whole(2, 1000),
    )

    @property
    def batches_are_independent(self) -> bool:
        """dopri5 has one step size for all rows that it integrates together."""
        return self.solver != "dopri5"

    def provenance(self) -> dict[str, Any]:
        """The solver and its steps."""
        return {
            **super().provenance(),
            "solver": self.solver,
            "solver_steps": self.solver_steps or SOLVER_STEPS[self.solver],
        }

    def token_sampler(self) -> "Sampler":
        """The sampler that turns noise into tokens; raises as `ode_sampler`."""
        return self.ode_sampler()

    def ode_sampler(self) -> "OdeSampler":
        """The solver that turns noise into data.

        Raises:
            ConfigurationError: the package of the solver is not installed.
        """
        from mardm_batch.model.flow import OdeSampler, dopri5_is_installed

        if self.solver == "dopri5" and not dopri5_is_installed():
            raise ConfigurationError(
                "model.solver=dopri5: needs the package torchdiffeq; pip install 'mardm-batch[dopri5]'"
            )
        return OdeSampler.of(self.solver, self.solver_steps or SOLVER_STEPS[self.solver])
