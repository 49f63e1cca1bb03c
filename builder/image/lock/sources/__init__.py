"""What comes as source alone: its build requirements, its metadata, and what the builder stage needs to build it."""
