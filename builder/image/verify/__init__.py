"""Every role started for real, and checked."""
