// Figures and sentences. Bytes are decimal with three digits, as `docker images` writes them.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

function bytes(count) {
  let value = Math.abs(count);
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = value < 999.5 ? String(Number(value.toPrecision(3))) : value.toFixed(0);
  return `${text} ${UNITS[unit]}`;
}

/** What a row shows: with its sign where a page compares. */
function amount(node) {
  if (!data.signed) return bytes(node.size);
  return node.net === 0 ? "±0 B" : `${node.net > 0 ? "+" : "−"}${bytes(node.net)}`;
}

function share(node, whole) {
  if (!whole.size) return "0 %";
  const percent = (100 * node.size) / whole.size;
  return percent >= 10 ? `${percent.toFixed(0)} %` : percent >= 0.1 ? `${percent.toFixed(1)} %` : "< 0.1 %";
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** One sentence about a node: what it is, its bytes, what is in it. */
function sentence(node, root) {
  const parts = [amount(node)];
  if (node.parent) parts.push(`${share(node, root)} of all`);
  return `${node.parent ? node.kind : "everything"}, ${[...parts, ...inside(node)].join(", ")}`;
}

/** What the figures of a row do not say; screen readers read it after them. */
function about(node) {
  return [node.kind, ...inside(node)].join(", ");
}

function inside(node) {
  const parts = [];
  if (node.kids) parts.push(counted(node.count, data.leaf));
  const of = (count, word) => (count && (node.kids || count !== node.size) ? [`${word} ${bytes(count)}`] : []);
  const bad = [...of(node.wasted, "waste"), ...of(node.hidden, "hidden")];
  return bad.length ? [...parts, bad.join("; ")] : parts;
}

/** All that is shown about a node, line by line; each line is what an element holds. */
function told(node, root) {
  const note = node.note ? [withCode(node.note)] : [];
  return [[sentence(node, root)], ...note, ...groupsOf(node).map((line) => [line])];
}

/** A sentence of ours with code between backticks; a backtick without its other one stays. */
function withCode(text) {
  const parts = text.split("`");
  if (parts.length % 2 === 0) return [text];
  return parts.map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

/** The groups of a file, by the names of their dimensions. */
function groupsOf(node) {
  if (!node.leaf) return [];
  return data.dimensions.flatMap((dimension, number) => {
    const group = dimension.groups[groupOf(node, number)];
    return group ? [`${dimension.noun}: ${group.name}`] : [];
  });
}

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "role") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
