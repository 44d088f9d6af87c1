"""Joints to pictures. Never torch, never files."""
