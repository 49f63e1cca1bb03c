// The tables are complete without this; here their columns learn to sort.

function valueOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.sort === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.sort);
}

function sortBy(table, column, header) {
  const before = header.getAttribute("aria-sort");
  const numbers = table.tBodies[0].rows[0]?.cells[column].dataset.sort !== undefined;
  const down = before ? before === "ascending" : numbers;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const sign = down ? -1 : 1;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => {
    const [left, right] = [valueOf(a, column), valueOf(b, column)];
    return left < right ? -sign : left > right ? sign : 0;
  });
  table.tBodies[0].append(...rows);
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (!header.textContent.trim() || header.dataset.fixed !== undefined) return;
    const button = element("button", { type: "button", className: "sorter" }, ...header.childNodes);
    button.addEventListener("click", () => sortBy(table, column, header));
    header.append(button);
  });
}
