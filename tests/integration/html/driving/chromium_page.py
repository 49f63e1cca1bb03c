"""A page in Chromium: what is drawn, said and asked for, and a mouse and keys to use it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium.webdriver.common.by import By

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

AXE = Path(__file__).parents[1] / "axe" / "axe.min.js"
WIDE, NARROW = (1280, 800), (390, 844)
_PATIENCE_SECONDS = 20.0
_DRAWN = """
  const canvas = document.querySelector("#map canvas");
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  const colors = new Map();
  for (let i = 0; i < pixels.length; i += 4 * 97) {
    const color = `${pixels[i]},${pixels[i + 1]},${pixels[i + 2]}`;
    if (pixels[i + 3]) colors.set(color, (colors.get(color) ?? 0) + 1);
  }
  return [...colors].sort((a, b) => b[1] - a[1]).map(([color]) => color);
"""
_TILE = """
  const chart = echarts.getInstanceByDom(document.getElementById("map"));
  const tree = chart.getModel().getSeriesByIndex(0).getData().tree;
  const box = document.getElementById("map").getBoundingClientRect();
  const at = (node) => {
    let [x, y] = [0, 0];
    for (let one = node; one; one = one.parentNode) {
      const place = one.getLayout();
      x += place.x || 0;
      y += place.y || 0;
    }
    return [x, y];
  };
  const tiles = [];
  tree.root.eachNode("preorder", (node) => {
    const place = node.getLayout();
    if (node === tree.root || !place || !place.width || !place.height) return;
    const text = (node.getModel().get(["label", "formatter"]) || (() => ""))();
    const [x, y] = at(node);
    const parent = node.children.length > 0;
    tiles.push({name: text.replaceAll("\\u200b", "").split("\\n")[0], parent, depth: node.depth,
      x: box.x + x + Math.min(40, place.width / 2), y: box.y + y + (parent ? 12 : Math.min(30, place.height / 2)),
      width: place.width, height: place.height});
  });
  return tiles;
"""
_CLICK_AT_ONCE = f"""
  const tilesNow = () => {{ {_TILE} }};
  const canvas = document.querySelector("#map canvas");
  for (const name of arguments[0]) {{
    const tile = tilesNow().find((one) => one.name.startsWith(name));
    const place = {{bubbles: true, clientX: tile.x, clientY: tile.y, button: 0}};
    const kinds = ["mousemove", "mousedown", "mouseup", "click"];
    for (const kind of kinds) canvas.dispatchEvent(new MouseEvent(kind, place));
  }}
"""


@dataclass
class Browser:
    """One window of one page."""

    driver: webdriver.Chrome

    def open(self, page: Path) -> None:
        self.driver.get(page.as_uri())
        self.until(self.drawn, "a map is drawn")

    def emulate(self, size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
        """The size of the window, and what the person's system prefers."""
        width, height = size
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", {"features": [theme]})

    def cdp(self, command: str, values: dict[str, Any] | None = None) -> Any:
        return self.driver.execute_cdp_cmd(command, values or {})

    def js(self, script: str, *values: object) -> Any:
        return self.driver.execute_script(script, *values)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return self.find(selector).text

    def keys(self, selector: str, *keys: str) -> None:
        for key in keys:
            self.find(selector).send_keys(key)

    def active_row(self, box: str = "#outline") -> str:
        """What a screen reader says of the active row."""
        row = self.find(box).get_attribute("aria-activedescendant")
        assert row, f"{box} has no active row"
        return self.find(f"#{row}").accessible_name

    def trail(self) -> list[str]:
        return [
            str(name) for name in self.js("return [...document.querySelectorAll('#trail button')].map(b => b.title)")
        ]

    def drawn(self) -> list[str]:
        """The colours of the map's picture, the most frequent first."""
        found: list[str] = self.js(_DRAWN)
        return found

    def tiles(self) -> list[dict[str, Any]]:
        """Name, place and size of every tile, as the chart has laid them out."""
        found: list[dict[str, Any]] = self.js(_TILE)
        return found

    def click_tile(self, name: str) -> None:
        tile = next((one for one in self.tiles() if one["name"].startswith(name)), None)
        assert tile is not None, f"no tile {name}: {[one['name'] for one in self.tiles()]}"
        mouse = {"x": tile["x"], "y": tile["y"], "button": "left", "clickCount": 1}
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.cdp("Input.dispatchMouseEvent", {"type": kind, **mouse})

    def click_at_once(self, *names: str) -> None:
        """Tiles one after the other, before the browser paints what the first click changed."""
        self.js(_CLICK_AT_ONCE, names)

    def until(self, true: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, f"not within {_PATIENCE_SECONDS:.0f} s: {what}"
            time.sleep(0.05)

    def said(self) -> list[str]:
        """What the console got since it was last asked."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.log("browser")]

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What ``browser`` or ``performance`` got since it was last asked."""
        found: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call] # selenium has no types there
        return found

    def requests(self) -> list[str]:
        """Addresses that the page asked for since it was last asked, by the browser's own record."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [
            str(event["params"]["request"]["url"]) for event in events if event["method"] == "Network.requestWillBeSent"
        ]

    def violations(self) -> list[str]:
        """What axe-core finds wrong, rule by rule with the first element."""
        if not self.js("return typeof axe === 'object'"):
            self.js(AXE.read_text(encoding="utf-8"))
        rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = self.driver.execute_async_script(
            "const done = arguments[1]; axe.run({runOnly: arguments[0]}).then((all) => done(all.violations))", rules
        )
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
