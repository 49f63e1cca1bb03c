"""The plan of a Dockerfile, by kind of base and number of stages."""
