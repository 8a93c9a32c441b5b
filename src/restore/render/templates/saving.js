// What leaves the page: the text, the decisions, and what the browser keeps of them.

const text = () => gaps.map((gap, i) => gap + (i < changes.length ? (state[i].on ? state[i].after : changes[i].before) : "")).join("");

function decisions() {
  const decided = changes.map(({ evidence, ...c }, i) => ({ ...c, after: state[i].after, applied: state[i].on }));
  return JSON.stringify({ path: data.path, sha256: data.sha256, changes: decided }, null, 1) + "\n";
}

function save(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

$("save-text").addEventListener("click", () => save(data.files.text, text(), "text/plain;charset=utf-8"));
$("save-decisions").addEventListener("click", () => save(data.files.decisions, decisions(), "application/json"));

// Decisions outlive a reload, where the browser lets a page keep anything.
const place = `restore:${data.key}`;

function keep() {
  const decided = state.flatMap((s, i) => (s.decided ? [[i, s.on, s.after]] : []));
  try {
    localStorage.setItem(place, JSON.stringify({ least, decided }));
  } catch { /* private window, full store: the page works all the same */ }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(place) ?? "null");
    for (const [i, on, after] of kept?.decided ?? []) state[i] = { on: Boolean(on), after: String(after), decided: true };
    if (typeof kept?.least !== "number") return;
    showLeast(kept.least);
    state.forEach((s, i) => { if (!s.decided) s.on = changes[i].confidence >= least; });
  } catch { /* not ours, or not allowed */ }
}
