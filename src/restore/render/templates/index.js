// Sortable columns.

const body = document.querySelector("tbody");
const rows = [...body.rows];
const heads = [...document.querySelectorAll("thead th")];

function key(row, column) {
  const cell = row.cells[column];
  if (!cell || cell.colSpan > 1) return null; // a file that failed has no figures: always last
  const text = cell.textContent;
  return cell.classList.contains("number") ? Number(text.replaceAll(",", "")) : text.toLowerCase();
}

function sort(column) {
  const head = heads[column];
  const first = head.classList.contains("number") ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = head.getAttribute("aria-sort") === first ? other : first;
  heads.forEach((h) => h.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const keyed = rows.map((row) => [key(row, column), row]);
  keyed.sort(([a], [b]) => (a === b ? 0 : a === null ? 1 : b === null ? -1 : (a < b ? -1 : 1) * sign));
  body.append(...keyed.map(([, row]) => row));
}

heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => sort(column)));
