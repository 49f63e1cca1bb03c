"""A context becomes a candidate, and a proven candidate is promoted."""
