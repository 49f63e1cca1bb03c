"""A plan carried out on the running stack, and undone."""
