"""The MARDM networks and how to sample them. Knows nothing of prompts, files or configuration."""
