// The card of the selected change, and the view side by side.

function select(i, focus = true) {
  if (i < 0 || i >= changes.length) return;
  if (current >= 0) {
    marks[current].classList.remove("current");
    marks[current].tabIndex = -1;
  }
  current = i;
  marks[i].classList.add("current");
  marks[i].tabIndex = 0;
  $("card").hidden = false;
  fill();
  marks[i].scrollIntoView({ block: "nearest" });
  if (focus) marks[i].focus({ preventScroll: true });
}

function fill() {
  const c = changes[current];
  const { on, after, decided } = state[current];
  $("place").textContent = `${current + 1} of ${changes.length}`;
  $("was").textContent = visible(c.before);
  $("now").textContent = visible(after);
  const verdict = decided ? (on ? "you accepted it" : "you rejected it") : on ? "applied" : "left as it is";
  $("why").textContent = [sure(c.confidence), c.source, verdict].filter(Boolean).join(" · ");
  $("accept").setAttribute("aria-pressed", decided && on);
  $("reject").setAttribute("aria-pressed", decided && !on);
  $("previous").disabled = current === 0;
  $("next").disabled = current === changes.length - 1;
  const known = readings(c);
  $("readings").replaceChildren(...known.map((reading, n) => option(reading, n, on, after)));
  $("mine").value = on && !known.some((r) => r.text === after) ? after : "";
  evidence(c.evidence);
}

const readings = (c) => [{ text: c.after, confidence: c.confidence }, ...c.alternatives, { text: c.before, keep: true }];

function option(reading, n, on, after) {
  const element = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "reading", value: n });
  input.checked = reading.keep ? !on : on && reading.text === after;
  const text = Object.assign(document.createElement("span"), { textContent: visible(reading.text) || "nothing" });
  const note = Object.assign(document.createElement("small"), { textContent: reading.keep ? "as it was" : reading.confidence.toFixed(2) });
  element.append(input, text, note);
  return element;
}

function choose(n) {
  const reading = readings(changes[current])[n];
  if (!reading) return;
  if (reading.keep) decide(current, false);
  else decide(current, true, reading.text);
}

const terms = {
  channel: "A spinner would write this",
  language_model: "The original fits here",
  neural: "The neural model likes it",
  document: "The rest of the article",
};

function evidence(found) {
  $("evidence").hidden = !found;
  if (!found) return;
  const cells = Object.entries(terms).filter(([name]) => name in found).flatMap(([name, words]) => [
    Object.assign(document.createElement("dt"), { textContent: words }),
    Object.assign(document.createElement("dd"), { textContent: `${found[name] > 0 ? "+" : ""}${found[name].toFixed(1)}` }),
  ]);
  $("evidence").lastElementChild.replaceChildren(...cells);
}

function close() {
  $("card").hidden = true;
  if (current >= 0) marks[current].classList.remove("current");
}

$("readings").addEventListener("change", (event) => {
  const n = event.target.value;
  choose(Number(n));
  $("readings").querySelector(`[value="${n}"]`).focus(); // the options were made anew
});
$("own").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("mine").value;
  if (text === changes[current].before) decide(current, false);
  else decide(current, true, text);
  marks[current].focus({ preventScroll: true });
});
$("accept").addEventListener("click", () => decide(current, true));
$("reject").addEventListener("click", () => decide(current, false));
$("undo").addEventListener("click", undo);
$("previous").addEventListener("click", () => select(current - 1, false));
$("next").addEventListener("click", () => select(current + 1, false));
$("close").addEventListener("click", close);
$("text").addEventListener("click", (event) => {
  const mark = event.target.closest(".c");
  if (mark && getSelection().isCollapsed) select(Number(mark.dataset.i));
});

// -- side by side ----------------------------------------------------------------------------------------------------

function copies() {
  for (const line of document.querySelectorAll("#text .l")) {
    const copy = line.cloneNode(true);
    copy.classList.add("was");
    copy.setAttribute("aria-hidden", "true"); // the right side tells what it was
    for (const mark of copy.querySelectorAll(".c")) {
      ["role", "tabindex", "aria-label"].forEach((name) => mark.removeAttribute(name));
      mark.classList.remove("current");
      twins[mark.dataset.i] = mark;
    }
    line.before(copy);
  }
}

function side() {
  if (!twins.length) copies();
  twins.forEach((twin, i) => twin.classList.toggle("on", state[i].on));
  const now = document.body.classList.toggle("side");
  $("view").setAttribute("aria-pressed", now);
  if (current >= 0) marks[current].scrollIntoView({ block: "nearest" });
}

$("view").addEventListener("click", side);
later(() => { if (!twins.length) copies(); });
