"""Which Python distribution lies in which layer of the image."""
