"""The command line: options to one call to output."""
