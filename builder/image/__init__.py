"""Context to candidate, candidate and report to promoted image."""
