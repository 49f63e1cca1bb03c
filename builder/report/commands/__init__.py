"""The command line as values: completion and manual are written from them."""
