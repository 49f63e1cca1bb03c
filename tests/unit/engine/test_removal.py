"""Names and images are taken away, or all of it stays."""

from __future__ import annotations

from shelf_world import Shelf, identity, image, user

from builder.engine.removal import CONFLICT, take_away


def test_a_conflict_is_a_skip() -> None:
    shelf = Shelf(users=[user(identity("app"))])
    shelf.add(image("app", ("base",), "app:1", "app:2"))
    assert take_away(shelf, identity("app"), lambda _taken: "") == CONFLICT
    assert shelf.references(identity("app")) == ("app:1", "app:2")
