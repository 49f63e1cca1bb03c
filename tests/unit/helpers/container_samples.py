"""A container of a Compose project, as the engine lists it."""

from __future__ import annotations

LABELS = {
    "com.docker.compose.project": "shop",
    "com.docker.compose.project.working_dir": "/srv/shop",
    "com.docker.compose.project.config_files": "/srv/shop/compose.yaml,/srv/shop/more.yaml",
    "com.docker.compose.project.environment_file": "/srv/shop/prod.env",
}
CONTAINER = {
    "Id": "c1",
    "Names": ["/other/alias", "/shop-web-1"],
    "ImageID": "sha256:1",
    "Image": "app:1",
    "State": "exited",
    "Labels": LABELS,
    "Mounts": [{"Type": "volume", "Name": "data"}, {"Type": "bind", "Source": "/x"}],
}
