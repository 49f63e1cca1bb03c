"""Compose projects: read → group → plan → rewrite → apply → roll back."""
