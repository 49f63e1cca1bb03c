"""The files of a project as Compose reads them."""
