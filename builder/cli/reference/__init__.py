"""What is read of the commands themselves, for completion and manual."""
