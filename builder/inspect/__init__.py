"""What an image is made of: layers, packages, folders, waste; and how two images differ."""
