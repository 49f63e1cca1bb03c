// The treemap: one node of the tree and two levels below it. What would be a speck is drawn as one tile "smaller".

const SPECK = 0.0006; // of the whole map: about 20 pixels by 15
const MOST_TILES = 90; // in one parent
const NEARLY_ALL = 0.9;
const NAME_PIXELS = 1500; // the area from which a tile has room for a name
const AMOUNT_PIXELS = 3200; // and for its bytes below
// The chart library keeps the widths of texts in a plain object, under the texts. One called "__proto__", or shortened
// to that, would be its prototype; with a mark of no width before it no text is the name of anything.
const MARK = "\u200b";

const probe = document.head.appendChild(document.createElement("i"));

/** A colour of style.css as the canvas wants it. A property's own value would still say light-dark(...). */
function color(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

class TreeMap {
  constructor(box, { onZoom, onSelect }) {
    this.box = box;
    this.chart = echarts.init(box, null, { renderer: "canvas" });
    this.chart.on("click", (event) => this.#click(event.data));
    Object.assign(this, { onZoom, onSelect, nodes: new Map() });
    new ResizeObserver(() => this.#resize()).observe(box);
  }

  /** Draws `zoom` and marks `selected`; both are nodes of the tree of `root`. */
  show(root, zoom, selected) {
    Object.assign(this, { root, zoom, selected });
    this.nodes = new Map();
    const top = zoom.kids ? this.#tiles(zoom, 2) : [this.#tile(zoom, 0)];
    this.box.setAttribute("aria-label", this.#label());
    this.chart.setOption(this.#option(top), { notMerge: true });
  }

  /** Which names fit depends on the size. */
  #resize() {
    const { clientWidth, clientHeight } = this.box;
    if (this.chart.getWidth() === clientWidth && this.chart.getHeight() === clientHeight) return;
    this.chart.resize();
    if (this.root) this.show(this.root, this.zoom, this.selected);
  }

  /** Whether a node has a tile of its own now. */
  has(node) {
    return this.nodes.has(node.id);
  }

  #label() {
    const largest = (this.zoom.kids ?? []).slice(0, 3).map((kid) => `${kid.name} ${amount(kid)}`);
    const start = `Treemap of ${this.zoom.name}, ${sentence(this.zoom, this.root)}.`;
    return `${start}${largest.length ? ` Largest: ${largest.join("; ")}.` : ""} The list beside it has the same parts.`;
  }

  #tiles(parent, levels) {
    const kids = drawnIn(parent);
    const shown = kids.filter((kid) => kid.size > SPECK * this.zoom.size).slice(0, MOST_TILES);
    const tiles = shown.map((kid) => this.#tile(kid, levels - 1));
    const rest = kids.slice(shown.length).filter((kid) => kid.size);
    if (rest.length) tiles.push(this.#rest(parent, rest));
    return tiles;
  }

  #tile(node, levels) {
    this.nodes.set(node.id, node);
    const tile = { id: `n${node.id}`, name: `n${node.id}`, value: node.size, node: node.id, ...this.#paint(node) };
    if (levels > 0 && node.kids) {
      tile.children = this.#tiles(node, levels);
      tile.upperLabel = { show: true, color: color("ink"), formatter: () => `${MARK}${node.name}  ${amount(node)}` };
      tile.itemStyle = { ...tile.itemStyle, borderColor: color("tile-frame"), borderWidth: 2, gapWidth: 1 };
    }
    if (node === this.selected) {
      Object.assign(tile.itemStyle, { borderColor: color("accent"), borderWidth: 3 });
      if (tile.upperLabel) tile.upperLabel.color = color("paper");
    }
    return tile;
  }

  #paint(node) {
    const tone = node.tone || "nobody";
    const itemStyle = { color: color(`tone-${tone}`), borderColor: color("tile-edge"), borderWidth: 1 };
    if (tone === "hidden" || tone === "waste") itemStyle.decal = stripes();
    return { itemStyle, label: this.#words(node.size, [node.name, amount(node)]) };
  }

  #words(size, [name, bytes]) {
    const pixels = (size / (this.zoom.size || 1)) * this.box.clientWidth * this.box.clientHeight;
    const text = pixels < AMOUNT_PIXELS ? MARK + name : `${MARK}${name}\n${MARK}${bytes}`;
    return { show: pixels >= NAME_PIXELS, color: color("tile-ink"), formatter: () => text };
  }

  #rest(parent, rest) {
    const size = rest.reduce((sum, kid) => sum + kid.size, 0);
    const words = counted(rest.length, "smaller part");
    const itemStyle = { color: color("tone-rest"), borderColor: color("tile-edge"), borderWidth: 1 };
    const label = this.#words(size, [words, bytes(size)]);
    return { id: `r${parent.id}`, name: `r${parent.id}`, value: size, rest: parent.id, words, itemStyle, label };
  }

  #click(tile) {
    if (!tile) return;
    const node = this.nodes.get(tile.node) ?? this.root.all[tile.rest];
    if (!node) return;
    if (node.kids && node !== this.zoom) this.onZoom(node);
    else this.onSelect(node);
  }

  #tip(tile) {
    const node = this.root.all[tile.node ?? tile.rest];
    if (!node) return "";
    const ofNode = () => [[node.path || node.name], ...told(node, this.root)];
    const lines = tile.rest === undefined ? ofNode() : [[`${tile.words} of ${node.name}`], [bytes(tile.value)]];
    return element("div", { className: "tip" }, ...lines.map((line) => element("div", {}, ...line)));
  }

  #option(tiles) {
    return {
      tooltip: {
        confine: true,
        formatter: (event) => (event.data ? this.#tip(event.data) : ""),
        backgroundColor: color("panel"),
        borderColor: color("line"),
        textStyle: { color: color("ink") },
      },
      series: [
        {
          type: "treemap",
          animation: false, // names of what goes would pile up, and a quick click would meet the tiles that were there
          left: 0,
          top: 0,
          right: 0,
          bottom: 0,
          roam: false,
          nodeClick: false,
          breadcrumb: { show: false },
          visibleMin: 1,
          childrenVisibleMin: 1,
          label: { fontSize: 12, lineHeight: 16, padding: [2, 0], overflow: "truncate", position: "insideTopLeft" },
          upperLabel: { show: false, height: 22, fontSize: 12, fontWeight: 600, overflow: "truncate" },
          emphasis: { itemStyle: { borderColor: color("accent") }, upperLabel: { color: color("paper") } },
          itemStyle: { gapWidth: 1, borderColor: color("tile-edge") },
          data: tiles,
        },
      ],
    };
  }
}

/** What a part is drawn as: instead of a folder with nearly all of it, what that folder holds. */
function drawnIn(node) {
  let kids = node.kids;
  while (kids[0]?.kids && kids[0].size >= NEARLY_ALL * node.size) {
    kids = [...kids[0].kids, ...kids.slice(1)].sort((a, b) => b.size - a.size);
  }
  return kids;
}

/** Not only by colour: what is wasted is striped. */
function stripes() {
  return { symbol: "rect", color: color("stripe"), dashArrayX: [1, 0], dashArrayY: [2, 6], rotation: Math.PI / 4 };
}
