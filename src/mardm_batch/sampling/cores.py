"""The share of CPU cores for sampling while worker processes draw on the others."""

from mardm_batch.config.schema import Config


def sampling_threads(config: Config, cores: int) -> int:
    """The number of threads that sample; the drawing processes, of lower priority, use what these leave.

    Large networks take all cores: there are few pictures then. A small model takes half of them, as it needs
    about as long for a pose as drawing does, and a thread whose core also draws delays all others.
    """
    balanced = config.model.IS_SMALL and config.render.enabled
    return (cores + 1) // 2 if balanced else cores
