"""Our launchers as Hydra finds them, for `hydra/launcher=slurm` and `hydra/launcher=ray`. Light to import."""

from collections.abc import Sequence
from typing import Any

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SlurmLauncher(Launcher):
    """Jobs of a Slurm cluster; `parameters` are those of hydra-submitit-launcher."""

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """See `Launcher.setup`."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """See `Launcher.launch`. Interrupted, it cancels the jobs."""
        from mardm_batch.launch.slurm import launch_on_slurm

        return launch_on_slurm(self, job_overrides, initial_job_idx)


class RayLauncher(Launcher):
    """Tasks of a Ray cluster; the parameters are explained in conf/hydra/launcher/ray.yaml."""

    def __init__(
        self, address: str, num_cpus: int, num_gpus: float, max_retries: int, start_timeout_min: float
    ) -> None:
        self.address, self.num_cpus, self.num_gpus, self.max_retries = address, num_cpus, num_gpus, max_retries
        self.start_timeout_min = start_timeout_min

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """See `Launcher.setup`."""
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """See `Launcher.launch`. Interrupted, it cancels the tasks."""
        from mardm_batch.launch.ray_tasks import launch_on_ray

        return launch_on_ray(self, job_overrides, initial_job_idx)
