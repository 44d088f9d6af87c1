"""Where the metrics and sample pictures of a run go."""
