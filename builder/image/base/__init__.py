"""Root file systems from Debian packages."""
