// The keyboard; and the beginning.

$("keys").addEventListener("click", () => {
  $("help").hidden = !$("help").hidden;
  $("keys").setAttribute("aria-expanded", !$("help").hidden);
});

function judge(on) {
  if (current < 0) return select(0);
  decide(current, on);
  select(current + 1);
}

const keys = {
  j: () => select(current + 1),
  k: () => select(current - 1),
  a: () => judge(true),
  r: () => judge(false),
  u: undo,
  s: side,
  e: () => { if (current < 0) select(0); $("mine").focus(); },
  "/": () => $("find").focus(),
  Enter: () => { if (document.activeElement.matches(".c")) select(Number(document.activeElement.dataset.i)); },
  " ": () => { if (document.activeElement.matches(".c")) select(Number(document.activeElement.dataset.i)); },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.matches("input:not([type=range]):not([type=radio])");
  if (event.key === "Escape") {
    if (typing || event.target.closest("#card, header")) marks[Math.max(0, current)].focus();
    else close();
    return;
  }
  if (typing) return;
  const button = event.target.closest("button") && (event.key === "Enter" || event.key === " ");
  const action = /^[1-9]$/.test(event.key) && current >= 0 ? () => choose(event.key - 1) : keys[event.key];
  if (!action || button) return;
  event.preventDefault();
  action();
});

// What stays in view below the header has to know how tall it is.
const header = document.querySelector("header");
new ResizeObserver(() => document.documentElement.style.setProperty("--top", `${header.offsetHeight}px`)).observe(header);

marks.forEach((mark, i) => {
  mark.setAttribute("role", "button");
  mark.tabIndex = i ? -1 : 0;
});
recall();
state.forEach((_, i) => paint(i));
tally();
