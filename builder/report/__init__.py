"""One result as table, JSON or JUnit."""
