"""What an image could be smaller by: one module per rule, or per few that are one idea."""
