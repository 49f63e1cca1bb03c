// The data of the page as a tree of nodes, one tree per view.
//
// data.files is a tree of names: a folder is [name, [what is in it]], a file is [name, bytes, group, group, ...] with one
// group per dimension (an index into data.dimensions[i].groups; -1 or nothing: none). A view names the dimensions that
// it groups by, and which column holds its bytes. Bytes below zero are bytes that went (a page that compares).

const data = JSON.parse(document.getElementById("data").textContent);

/** Every file once: {name, folder, leaf}; a folder is {path, names, number}. */
function listFiles(tree) {
  const files = [];
  const todo = [[tree, null]];
  let number = 0;
  while (todo.length) {
    const [entry, above] = todo.pop();
    if (Array.isArray(entry[1])) {
      const folder = above ? folderIn(above, entry[0], (number += 1)) : { path: data.above, names: [], number };
      for (let i = entry[1].length - 1; i >= 0; i--) todo.push([entry[1][i], folder]);
    } else {
      files.push(fileIn(above, entry, () => (number += 1)));
    }
  }
  return files;
}

function folderIn(above, name, number) {
  return { path: `${above.path}${name}/`, names: [...above.names, name], number };
}

/** The name of a file that is very deep has the rest of its folders in it. */
function fileIn(above, leaf, next) {
  const parts = leaf[0].split("/");
  const name = parts.pop();
  const folder = parts.reduce((at, part) => folderIn(at, part, next()), above);
  return { name, folder, leaf };
}

const files = listFiles(data.files);

class TreeNode {
  id = 0; // in reading order: its place in root.all
  depth = 0;
  size = 0; // bytes, without a sign
  net = 0; // bytes, with it
  wasted = 0; // of them, waste
  hidden = 0; // of them, hidden by a later layer; these may be waste too
  bad = 0; // of them, one or both
  count = 0; // files
  kids = null;
  open = false; // in the list
  note = "";
  path = "";
  leaf = null; // a file's columns
  group = null; // [dimension, number]
  index = null; // while the tree is made: key -> child
  text = null; // what a search looks through

  constructor(name, kind, tone, parent) {
    this.name = name;
    this.kind = kind;
    this.tone = tone;
    this.parent = parent;
  }
}

function groupOf(file, dimension) {
  const index = file.leaf[2 + dimension];
  return index === undefined ? -1 : index;
}

/** The last dimension that has a colour for it, but what is hidden is hidden. */
function toneOf(file) {
  let tone = "nobody";
  for (let number = 0; number < data.dimensions.length; number++) {
    const group = data.dimensions[number].groups[groupOf(file, number)];
    if (group?.tone && tone !== "hidden" && !(group.tone === "waste" && 2 * wasted(file) < file.leaf[1])) tone = group.tone;
  }
  return tone;
}

/** Bytes of it that are waste: of a program with symbols, its symbols. */
function wasted(file) {
  return file.leaf[data.wasted] ?? file.leaf[1];
}

function isIn(file, tone) {
  return data.dimensions.some((dimension, number) => dimension.groups[groupOf(file, number)]?.tone === tone);
}

function childNamed(parent, key, make) {
  parent.index ??= new Map();
  let child = parent.index.get(key);
  if (!child) {
    child = make();
    parent.index.set(key, child);
    (parent.kids ??= []).push(child);
  }
  return child;
}

function groupNode(parent, dimension, number) {
  return childNamed(parent, `g${dimension}.${number}`, () => {
    const group = data.dimensions[dimension].groups[number];
    const node = new TreeNode(group.name, data.dimensions[dimension].noun, group.tone || "", parent);
    node.note = group.note || "";
    node.group = [dimension, number];
    return node;
  });
}

function folderNode(root, view, file) {
  let at = root;
  for (const dimension of view.by) at = groupNode(at, dimension, groupOf(file, dimension));
  for (const name of file.folder.names) {
    const above = at;
    at = childNamed(above, `d${name}`, () => new TreeNode(name, "folder", "", above));
  }
  return at;
}

/** `places` remembers the folders: files that lie beside each other are most of all. */
function place(root, view, file, places) {
  const key = view.by.reduce((text, dimension) => `${text}.${groupOf(file, dimension)}`, String(file.folder.number));
  let parent = places.get(key);
  if (!parent) places.set(key, (parent = folderNode(root, view, file)));
  const node = new TreeNode(file.name, data.leaf, view.value === data.wasted ? "waste" : toneOf(file), parent);
  node.path = file.folder.path + file.name;
  node.leaf = file.leaf;
  node.count = 1;
  node.net = file.leaf[view.value] ?? file.leaf[1];
  node.size = Math.abs(node.net);
  node.wasted = isIn(file, "waste") ? wasted(file) : 0;
  node.hidden = isIn(file, "hidden") ? file.leaf[1] : 0;
  node.bad = Math.max(node.wasted, node.hidden);
  (parent.kids ??= []).push(node);
}

function belongs(view, file) {
  if (view.value === 1 && file.leaf[1] === null) return false;
  if (view.by.some((dimension) => groupOf(file, dimension) < 0)) return false;
  return !(view.visible && data.dimensions.some((one, number) => one.groups[groupOf(file, number)]?.gone));
}

/** Parents after their children. No recursion: an image may nest folders deeply. */
function bottomUp(root) {
  const order = [root];
  for (let i = 0; i < order.length; i++) for (const kid of order[i].kids ?? []) order.push(kid);
  return order.reverse();
}

/** A folder with nothing but one folder in it is one row: usr/lib/python3. */
function joinSingles(node) {
  while (node.kind === "folder" && node.kids.length === 1 && node.kids[0].kind === "folder") {
    const [only] = node.kids;
    node.name += `/${only.name}`;
    node.kids = only.kids;
    for (const kid of node.kids) kid.parent = node;
  }
}

function finish(root) {
  for (const node of bottomUp(root)) {
    node.index = null;
    if (!node.kids) continue;
    joinSingles(node);
    for (const kid of node.kids) {
      node.size += kid.size;
      node.net += kid.net;
      node.wasted += kid.wasted;
      node.hidden += kid.hidden;
      node.bad += kid.bad;
      node.count += kid.count;
    }
    node.kids.sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  }
  number(root);
}

/** Ids and depths in reading order; tones of folders come from what they lie in. */
function number(root) {
  const all = [];
  const todo = [root];
  while (todo.length) {
    const node = todo.pop();
    node.id = all.length;
    node.depth = node.parent ? node.parent.depth + 1 : 0;
    node.tone = toneInTree(node);
    if (!node.path) node.path = pathOf(node);
    all.push(node);
    for (let i = (node.kids?.length ?? 0) - 1; i >= 0; i--) todo.push(node.kids[i]);
  }
  root.all = all;
}

/** What is mostly waste looks like waste, also where it is only a folder of a package. */
function toneInTree(node) {
  if (data.signed) return node.net > 0 ? "grew" : node.net < 0 ? "shrank" : "nobody";
  const mostlyBad = node.kids && node.parent && node.tone !== "hidden" && 2 * node.bad > node.size;
  return mostlyBad ? "waste" : node.tone || node.parent?.tone || "";
}

function pathOf(node) {
  if (!node.parent || node.kind !== "folder") return node.name;
  return node.parent.kind === "folder" ? `${node.parent.path}/${node.name}` : `/${node.name}`;
}

/** The tree of one view; made when it is first asked for. */
function treeOf(view) {
  if (!view.tree) {
    view.tree = new TreeNode(data.name, "root", "", null);
    view.tree.open = true;
    const places = new Map();
    for (const file of files) if (belongs(view, file)) place(view.tree, view, file, places);
    finish(view.tree);
  }
  return view.tree;
}
