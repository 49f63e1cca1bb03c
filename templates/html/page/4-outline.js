// The tree beside the map: the same parts, for the keyboard and for screen readers.

/** The rows of a tree whose folders are open or closed. The root has no row of its own. */
function openRows(root) {
  const rows = [];
  const todo = [...(root.kids ?? [])].reverse();
  while (todo.length) {
    const node = todo.pop();
    rows.push(node);
    if (node.open && node.kids) for (let i = node.kids.length - 1; i >= 0; i--) todo.push(node.kids[i]);
  }
  return rows;
}

class Outline {
  constructor(box, { onSelect, onZoom, onUp }) {
    this.onSelect = onSelect;
    this.onUp = onUp;
    this.list = new LongList(box, {
      draw: (node, row) => this.#draw(node, row),
      onActive: onSelect,
      onOpen: onZoom,
      onKey: (event, index) => this.#key(event.key, index),
    });
    this.typed = "";
  }

  show(root, selected) {
    this.root = root;
    this.select(selected ?? root.kids?.[0] ?? root);
  }

  /** Opens what a node is in, and makes it the active row. */
  select(node) {
    for (let at = node.parent; at; at = at.parent) at.open = true;
    const rows = openRows(this.root);
    this.list.show(rows, Math.max(0, rows.indexOf(node)));
  }

  #draw(node, row) {
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", node.depth);
    row.setAttribute("aria-setsize", node.parent.kids.length);
    row.setAttribute("aria-posinset", node.parent.kids.indexOf(node) + 1);
    if (node.kids) row.setAttribute("aria-expanded", String(node.open));
    row.style.setProperty("--depth", Math.min(node.depth - 1, 12));
    const mark = node.kids ? (node.open ? "▾" : "▸") : "";
    row.append(element("span", { className: node.kids ? "twisty" : "twisty none", "aria-hidden": "true" }, mark));
    drawParts(row, node, this.root);
  }

  #key(key, index) {
    const node = this.list.items[index];
    if (!node) return false;
    if (key === "toggle") this.#open(node, !node.open);
    else if (key === "ArrowRight") this.#right(node, index);
    else if (key === "ArrowLeft") this.#left(node);
    else if (key === "Backspace") this.onUp();
    else if (key.length === 1 && key !== "/") this.#type(key);
    else return false;
    return true;
  }

  #right(node, index) {
    if (node.kids && !node.open) this.#open(node, true);
    else if (node.kids) this.list.move(index + 1);
  }

  #left(node) {
    if (node.kids && node.open) this.#open(node, false);
    else if (node.parent !== this.root) {
      this.select(node.parent);
      this.onSelect(node.parent);
    }
  }

  #open(node, open) {
    node.open = open;
    this.select(node);
    this.onSelect(node);
  }

  /** Letters go to the next row that begins with them. */
  #type(key) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.typed = ""), 700);
    this.typed += key.toLowerCase();
    const { items, active } = this.list;
    for (let step = this.typed.length > 1 ? 0 : 1; step <= items.length; step++) {
      const index = (active + step) % items.length;
      if (items[index].name.toLowerCase().startsWith(this.typed)) return this.list.move(index);
    }
  }
}
