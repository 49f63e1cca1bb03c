"""What each command does, as a function that returns a value."""
