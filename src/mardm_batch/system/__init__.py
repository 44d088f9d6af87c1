"""What the operating system knows: terminal, processes, signals, files written whole."""
