"""The edits of compose files as text, and the check that they change nothing else."""
