"""The operating system: terminal, processes, signals, files written whole; and what all commands share."""
