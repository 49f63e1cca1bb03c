"""What can be said of one service."""
