"""The pose library: entries, posing, wording; its YAML is in assets/pose_library/."""
