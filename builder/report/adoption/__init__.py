"""What `optbuild init` took over, and what it did not."""
