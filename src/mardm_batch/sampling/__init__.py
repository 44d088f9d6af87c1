"""Captions to poses: loading, batching, retries."""
