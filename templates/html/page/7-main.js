// Puts the parts together: one state (view, zoom, selection), shown by map, list, trail and details alike.

const byId = (id) => document.getElementById(id);
const state = { view: data.views[0], root: null, zoom: null, selected: null };

const map = new TreeMap(byId("map"), { onZoom: zoomTo, onSelect: select });
const outline = new Outline(byId("outline"), { onSelect: follow, onZoom: zoomTo, onUp: zoomOut });
const results = new LongList(byId("results"), {
  draw: drawResult,
  onActive: follow,
  onOpen: (node) => zoomTo(node),
  onKey: (event) => event.key === "Escape" && endSearch(),
});

function draw() {
  map.show(state.root, state.zoom, state.selected);
  byId("nothing").hidden = state.zoom.size > 0;
  drawTrail();
  drawDetails();
}

function showView(view) {
  Object.assign(state, { view, root: treeOf(view) });
  state.zoom = state.root;
  state.selected = state.root;
  outline.show(state.root, null);
  byId(`view-${data.views.indexOf(view)}`).checked = true;
  if (byId("search").value) search();
  draw();
}

/** A file cannot be zoomed into: the map shows what it is in, and marks it. */
function zoomTo(node) {
  state.zoom = node.kids ? node : node.parent;
  state.selected = node;
  if (node.kids) node.open = true;
  outline.select(node);
  draw();
}

function zoomOut() {
  const was = state.zoom;
  if (!was.parent) return;
  state.zoom = was.parent;
  select(was);
}

function select(node) {
  state.selected = node;
  outline.select(node);
  draw();
}

/** The list moved: the map only moves where it does not show that part already. */
function follow(node) {
  state.selected = node;
  if (!map.has(node) && node !== state.zoom) state.zoom = node.parent ?? node;
  draw();
}

function drawTrail() {
  const steps = [];
  for (let at = state.zoom; at; at = at.parent) steps.unshift(at);
  const items = steps.map((node, index) => {
    const button = element("button", { type: "button", title: node.name }, node.name);
    if (index === steps.length - 1) button.setAttribute("aria-current", "location");
    button.addEventListener("click", () => zoomTo(node));
    return element("li", {}, button);
  });
  byId("trail").firstElementChild.replaceChildren(...items);
}

function drawDetails() {
  const node = state.selected;
  byId("details").replaceChildren(
    element("strong", {}, node.kind === "folder" || node.leaf ? node.path : node.name),
    ...told(node, state.root).map((line) => element("span", {}, ...line)),
  );
}

function drawResult(node, row) {
  row.setAttribute("role", "option");
  drawParts(row, node, state.root, node.kids && node.kind !== "folder" ? node.kind : node.path.slice(0, -node.name.length));
}

/** Every word has to be in the path or the name, in any order; the largest come first. */
function search() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  byId("results").hidden = !words.length;
  byId("outline").hidden = Boolean(words.length);
  if (!words.length) return void (byId("found").value = "");
  const found = state.root.all.filter((node) => {
    if (!node.parent) return false;
    node.text ??= `${node.path}\n${node.note}`.toLowerCase();
    return words.every((word) => node.text.includes(word));
  });
  found.sort((a, b) => b.size - a.size);
  const leaves = found.filter((node) => node.leaf);
  const sum = leaves.reduce((total, node) => total + node.size, 0);
  byId("found").value = found.length
    ? `${found.length.toLocaleString("en")} found, ${counted(leaves.length, data.leaf)} of ${bytes(sum)}`
    : "nothing found";
  byId("results").scrollTop = 0;
  results.show(found);
}

function endSearch() {
  byId("search").value = "";
  search();
  outline.select(state.selected);
  byId("search").focus();
  return true;
}

function setUpSearch() {
  let timer;
  byId("search").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 80);
  });
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "Escape") endSearch();
    else if ((event.key === "ArrowDown" || event.key === "Enter") && results.items.length && !byId("results").hidden) {
      byId("results").focus();
      results.move(0);
      if (event.key === "Enter") zoomTo(results.items[0]);
    } else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input[type=search]")) return;
    byId("search").focus();
    event.preventDefault();
  });
}

function setUpViews() {
  data.views.forEach((view, index) => {
    const input = element("input", { type: "radio", name: "view", id: `view-${index}` });
    input.addEventListener("change", () => showView(view));
    byId("views").append(element("label", {}, input, element("span", {}, view.label)));
  });
}

/** Where the browser keeps nothing for files, the choice lasts as long as the page. */
function remembered(value) {
  try {
    if (value === undefined) return localStorage.getItem("optbuild-theme") ?? "auto";
    localStorage.setItem("optbuild-theme", value);
  } catch {
    // A page from a file may have no storage.
  }
  return value ?? "auto";
}

function setUpThemes() {
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    if (state.root) draw();
  };
  for (const input of document.querySelectorAll("#themes input")) {
    input.checked = input.value === remembered();
    input.addEventListener("change", () => apply(remembered(input.value)));
  }
  apply(remembered());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
}

function setUpLegend() {
  byId("legend").append(
    ...data.legend.map(([tone, text]) =>
      element("li", {}, element("span", { className: `dot tone-${tone}` }), element("span", {}, text)),
    ),
  );
}

/** Buttons of the tables: [view, dimension, group] of what they show on the map. */
function showGroup(button) {
  const view = data.views[Number(button.dataset.view)];
  showView(view);
  const wanted = button.dataset.group.split(".").map(Number);
  const node = state.root.all.find((one) => one.group?.[0] === wanted[0] && one.group[1] === wanted[1]);
  if (node) zoomTo(node);
  document.querySelector(".explorer").scrollIntoView({ block: "start" });
  byId("outline").focus({ preventScroll: true });
}

setUpThemes();
setUpViews();
setUpLegend();
setUpSearch();
showView(state.view);
document.querySelectorAll("table").forEach(makeSortable);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-group]");
  if (button) showGroup(button);
});
