"""Which services may share an image, and how."""
