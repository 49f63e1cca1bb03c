// A list of any length of which only the rows in sight are elements. The list itself has the focus and names its
// active row (aria-activedescendant), so rows may come and go.

const ROW_HEIGHT = 32;
const SPARE_ROWS = 6;

class LongList {
  /** `draw(item, row)` fills a row; `onKey(event, index)` may take a key that the list does not know. */
  constructor(box, { draw, onActive, onOpen, onKey }) {
    Object.assign(this, { box, draw, onActive, onOpen, onKey, items: [], active: -1 });
    this.canvas = element("div", { className: "canvas", role: "presentation" });
    box.append(this.canvas);
    box.addEventListener("scroll", () => this.refresh(), { passive: true });
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.refresh()).observe(box);
  }

  show(items, active = items.length ? 0 : -1) {
    this.items = items;
    this.active = Math.min(active, items.length - 1);
    this.canvas.style.height = `${items.length * ROW_HEIGHT}px`;
    this.#reveal();
    this.refresh();
  }

  /** Makes a row the active one and brings it into sight. */
  move(index, { tell = true } = {}) {
    if (!this.items.length) return;
    this.active = Math.max(0, Math.min(index, this.items.length - 1));
    this.#reveal();
    this.refresh();
    if (tell) this.onActive(this.items[this.active]);
  }

  refresh() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
    const inSight = Math.ceil(this.box.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS;
    const shown = [];
    for (let i = first; i < Math.min(first + inSight, this.items.length); i++) shown.push(this.#row(i));
    this.canvas.replaceChildren(...shown);
    const named = this.active >= first && this.active < first + inSight ? this.#rowId(this.active) : null;
    if (named) this.box.setAttribute("aria-activedescendant", named);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #rowId(index) {
    return `${this.box.id}-${index}`;
  }

  #row(index) {
    const row = element("div", { id: this.#rowId(index), className: "row" });
    row.dataset.index = index;
    row.style.top = `${index * ROW_HEIGHT}px`;
    row.setAttribute("aria-selected", String(index === this.active));
    this.draw(this.items[index], row, index);
    return row;
  }

  #reveal() {
    if (this.active < 0) return;
    const top = this.active * ROW_HEIGHT;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    const under = top + ROW_HEIGHT - this.box.clientHeight;
    if (under > this.box.scrollTop) this.box.scrollTop = under;
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW_HEIGHT) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) this.move(this.active + steps[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && this.active >= 0) this.onOpen(this.items[this.active]);
    else if (!this.onKey?.(event, this.active)) return;
    event.preventDefault();
  }

  #click(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    const index = Number(row.dataset.index);
    if (event.target.closest(".twisty")) this.onKey?.({ key: "toggle" }, index);
    else {
      this.move(index, { tell: false });
      this.onOpen(this.items[index]);
    }
  }
}

/** What rows of both lists look like: name, a bar of its share, bytes. `beside` says where it is. */
function drawParts(row, node, whole, beside = "") {
  const bar = element("span", { className: "bar" });
  bar.style.width = whole.size ? `${Math.max(1, (100 * node.size) / whole.size)}%` : "0";
  row.append(
    element("span", { className: `dot tone-${node.tone || "none"}` }),
    element("span", { className: "name", title: node.path }, node.name, element("small", {}, beside)),
    element("span", { className: "amount" }, amount(node)),
    element("span", { className: "part" }, share(node, whole)),
    element("span", { className: "unseen" }, `, ${about(node)}`),
    bar,
  );
}
