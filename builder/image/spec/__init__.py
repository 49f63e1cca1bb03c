"""optbuild.toml: what a person wants."""
