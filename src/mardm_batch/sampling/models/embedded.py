"""The embedded model: its settings, its one file, and how it is loaded. No torch until then."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from mardm_batch.config.schema import SamplingSettings, setting
from mardm_batch.errors import InputError, naming
from mardm_batch.language.version import RULES_VERSION
from mardm_batch.model.embedded_file import file_hash
from mardm_batch.sampling.models.settings import FlowSettings

if TYPE_CHECKING:
    from mardm_batch.model.motion_model import MotionModel

PACKAGED: Final = Path(__file__).parents[2] / "assets" / "embedded.safetensors"


@dataclass
class EmbeddedSettings(FlowSettings):
    """The small model that ships with the package, or weights that `mardm_batch.train` wrote."""

    IS_SMALL: ClassVar[bool] = True

    weights: str | None = setting("a file written by mardm_batch.train; null: the weights that ship with the package")
    fit_bones: bool = setting("true: bones get the lengths of the skeleton, as in every pose that was trained on")
    on_floor: bool = setting("true: the lowest joint rests on the floor, as in every pose that was trained on")
    joint_limits: bool = setting("true: a pose with a joint beyond human limits is sampled again, at most twice")
    rewriting: bool = setting("true: captions are read in words that the model knows: spelling, negations, numbers")

    def load(self, sampling: SamplingSettings, device: str) -> "MotionModel":
        """See `ModelSettings.load`."""
        from mardm_batch.model.checkpoint import load_embedded
        from mardm_batch.model.decoding import DecodingSettings
        from mardm_batch.model.mardm import Corrections, MardmModel

        decoding = DecodingSettings(sampling.decoding_steps, sampling.cfg, self.token_sampler())
        with naming("model.weights="):
            networks = load_embedded(find_embedded(self.weights), device)
        return MardmModel(
            networks,
            decoding,
            sampling.frame_index,
            self.batch_bounds(device),
            self.choose_precision(sampling.precision, device),
            Corrections(
                mirror_open_sides=True,
                fit_bones=self.fit_bones,
                on_floor=self.on_floor,
                joint_limits=self.joint_limits,
            ),
            rewriting=self.rewriting,
        )

    def provenance(self) -> dict[str, Any]:
        """Solver, corrections, and the version of the rules by which captions are rewritten, 0 for none."""
        rules = RULES_VERSION if self.rewriting else 0
        return {
            **super().provenance(),
            "fit_bones": self.fit_bones,
            "on_floor": self.on_floor,
            "joint_limits": self.joint_limits,
            "rewriting": rules,
        }

    def weights_hash(self) -> str:
        """Of the file."""
        with naming("model.weights="):
            return file_hash(find_embedded(self.weights))


def find_embedded(weights: str | None) -> Path:
    """The file of that name, the packaged one for None.

    Raises:
        InputError: there is none.
    """
    path = PACKAGED if weights is None else Path(weights).expanduser()
    if not path.is_file():
        raise InputError(f"{path}: no such file; train one with python -m mardm_batch.train")
    return path
