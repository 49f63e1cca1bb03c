"""Which files name an image, and so keep it."""
