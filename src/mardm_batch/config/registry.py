"""The settings classes of a config group by name. The room that makes what they describe owns the registry."""

from collections.abc import Mapping

from mardm_batch.config.schema import Settings


class Registry:
    """Settings classes under the names that the files in `conf/GROUP/` start from: `/schema/GROUP/NAME@_here_`.

    An object of such a class makes what its settings describe (a model, a renderer, a tracker) and imports what that
    takes only then, so that settings are checked without it.
    """

    def __init__(self, group: str, classes: Mapping[str, type[Settings]]) -> None:
        self.group = group
        self.classes = dict(classes)

    def register(self, name: str, settings: type[Settings]) -> None:
        """Add a class, or replace the one of that name."""
        self.classes[name] = settings
        self.tell_hydra()

    def tell_hydra(self) -> None:
        """Let the files in `conf/` start from the classes."""
        from hydra.core.config_store import ConfigStore  # drawing processes have registries, and no use for Hydra

        for name, settings in self.classes.items():
            ConfigStore.instance().store(group=f"schema/{self.group}", name=name, node=settings)
