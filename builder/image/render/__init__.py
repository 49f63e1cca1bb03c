"""Spec and lock to context."""
