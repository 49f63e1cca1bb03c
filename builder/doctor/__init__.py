"""What this machine can do for optbuild, a line per requirement."""
