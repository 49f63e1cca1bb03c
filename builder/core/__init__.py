"""What knows nothing of images' content, projects or engines: every other part may use it."""
