"""Text to prompts: readers of prompt files, file names, shards."""
