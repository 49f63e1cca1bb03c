"""What `optbuild init` reads: somebody's project → the spec that builds the same, with every point that stays open."""
