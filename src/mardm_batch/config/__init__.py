"""Settings: their types and ranges, how Hydra composes them, and the messages about mistakes."""
