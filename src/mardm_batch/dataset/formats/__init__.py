"""The files of a pose: one module a format, and the registry of formats."""
