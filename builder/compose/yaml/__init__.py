"""YAML of compose files, read."""
