"""Spec to lock: what a spec resolves to, exactly."""
