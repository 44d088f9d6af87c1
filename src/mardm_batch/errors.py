"""The exceptions that users meet. Every message is one line: where, what, and what to do."""


class MardmBatchError(Exception):
    """Base of all errors that are reported as one line, without a traceback."""


class ConfigurationError(MardmBatchError):
    """A setting is mistyped, unknown or out of range (exit code 2)."""


class InputError(MardmBatchError):
    """A file the user named cannot be used: prompts, checkpoints, output folder (exit code 2)."""
