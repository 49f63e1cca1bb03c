"""The packages of an image: what its own records say of them."""
