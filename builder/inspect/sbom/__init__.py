"""The bill of materials of an image."""
