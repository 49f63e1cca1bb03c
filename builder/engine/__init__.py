"""The Docker engine: SDK client, buildx, installation."""
