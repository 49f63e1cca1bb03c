"""The rules: what can be found, and what each finding teaches."""
