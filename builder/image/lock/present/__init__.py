"""The Python distributions that a foundation has already, and the versions that a lock prefers."""
