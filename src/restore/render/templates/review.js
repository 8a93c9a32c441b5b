// The state of the review: what each change is now, how it is shown, how it is decided.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const { changes, gaps } = data;
const state = changes.map((c) => ({ on: c.applied, after: c.after, decided: false }));
const marks = [...document.querySelectorAll("#text .c")]; // one for each change, in order
const twins = []; // their copies on the left when side by side
const written = changes.map((c) => c.after); // the new words as the page has them
let current = -1;
let past = []; // for undo: what each step changed, as it was before

// -- showing ---------------------------------------------------------------------------------------------------------

// Controls and direction marks would act on the page unseen: the same ones that the terminal view spells out.
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const visible = (text) => text.replaceAll("\r\n", "\n").replace(hidden, spell);
function spell(char) {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

const sure = (confidence) => `${confidence.toFixed(2)} sure`;

function label(i) {
  const { on, after, decided } = state[i];
  const [was, now] = [visible(changes[i].before), visible(after) || "nothing"];
  const reading = on ? `${was} ${now}: replaced` : `${was}: perhaps ${now}`;
  return `${reading}, ${sure(changes[i].confidence)}${decided ? (on ? ", accepted" : ", rejected") : ""}`;
}

function paint(i) {
  const { on, after, decided } = state[i];
  const classes = marks[i].classList;
  classes.toggle("on", on);
  classes.toggle("decided", decided);
  if (document.body.classList.contains("side")) twins[i].classList.toggle("on", on);
  if (after !== written[i]) marks[i].lastElementChild.textContent = visible(after);
  written[i] = after;
  if (!unnamed.size) later(name);
  unnamed.add(i);
}

// Names for screen readers follow a moment later: thousands at once would make the slider stutter.
const unnamed = new Set();

const later = window.requestIdleCallback ?? ((act) => setTimeout(act, 50));

function name() {
  for (const i of [...unnamed].slice(0, 300)) {
    marks[i].setAttribute("aria-label", label(i));
    unnamed.delete(i);
  }
  if (unnamed.size) later(name);
}

function tally() {
  const on = state.filter((s) => s.on).length;
  const decided = state.filter((s) => s.decided).length;
  $("count").textContent = `${on} of ${state.length} applied${decided ? `, ${decided} decided` : ""}`;
  $("undo").disabled = !past.length;
}

// -- deciding --------------------------------------------------------------------------------------------------------

// `next`: number of change to its new state. A slider being dragged is one step to undo, not hundreds.
function apply(next, step) {
  step ??= { before: new Map(), least };
  for (const [i, value] of next) {
    if (!step.before.has(i)) step.before.set(i, state[i]);
    state[i] = value;
    paint(i);
  }
  if (past.at(-1) !== step) past.push(step);
  refresh();
}

function refresh() {
  tally();
  if (current >= 0) fill();
  keep();
}

function undo() {
  const step = past.pop();
  if (!step) return;
  for (const [i, value] of step.before) {
    state[i] = value;
    paint(i);
  }
  showLeast(step.least);
  dragging = null;
  refresh();
  if (step.before.size === 1) select([...step.before.keys()][0]);
}

const decide = (i, on, after = state[i].after) => apply([[i, { on, after, decided: true }]]);

let least = null; // what the slider was set to; null: as restore decided, which differs by family of spinner
let dragging = null;
let waiting = false;

function slide() {
  if (!waiting) return;
  waiting = false;
  least = Number($("least").value);
  const next = [];
  changes.forEach((c, i) => {
    const on = c.confidence >= least;
    if (!state[i].decided && state[i].on !== on) next.push([i, { ...state[i], on }]);
  });
  apply(next, dragging);
}

function showLeast(value) {
  least = value;
  $("least").value = value ?? $("least").defaultValue;
  $("least-now").textContent = Number($("least").value).toFixed(2);
}

$("least").addEventListener("input", () => {
  dragging ??= { before: new Map(), least };
  $("least-now").textContent = Number($("least").value).toFixed(2);
  if (!waiting) requestAnimationFrame(slide);
  waiting = true;
});
$("least").addEventListener("change", () => {
  slide();
  dragging = null;
});
