"""Geometry of 22 joints in numpy: skeleton, features, measures, conditions, joint limits."""
