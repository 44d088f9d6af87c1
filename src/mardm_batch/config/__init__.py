"""Settings: their types and ranges, how Hydra composes them, and what is said of mistakes."""
