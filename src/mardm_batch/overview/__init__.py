"""Poses as pages list them: measured, by columns, and kept beside the poses so that a folder opens at once."""
