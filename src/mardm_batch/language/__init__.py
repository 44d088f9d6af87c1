"""Captions in words that a model with a small vocabulary was taught, meaning the same. No torch, no files."""
