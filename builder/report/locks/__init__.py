"""What is said of a lock: alone, against another lock, against an image."""
