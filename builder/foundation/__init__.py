"""What an image stands on that is not made here: found or pulled, read from its layers, never started."""
