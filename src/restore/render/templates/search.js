// Search in the text as it reads now and as it read before.

const enough = 1000; // matches nobody steps through
let matches = [];
let match = -1;

// Words as they read now; with `was`, as they read before.
function reading(line, was) {
  const nodes = [];
  let text = "";
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    const replaced = parent !== line && parent.parentElement.classList.contains("on");
    const kind = parent.localName;
    if (kind === "i" || (kind === "ins" && (was || !replaced)) || (kind === "del" && !was && replaced)) continue;
    nodes.push({ start: text.length, node, replaced });
    text += node.data;
  }
  return { nodes, text: text.toLowerCase() };
}

function find() {
  const wanted = visible($("find").value).toLowerCase().trim();
  matches = [];
  match = -1;
  if (wanted.length > 1) {
    for (const line of document.querySelectorAll("#text .l:not(.was)")) {
      collect(reading(line, false), wanted, false);
      if (line.querySelector(".c.on")) collect(reading(line, true), wanted, true);
      if (matches.length >= enough) break;
    }
  }
  CSS.highlights?.set("found", new Highlight(...matches));
  CSS.highlights?.delete("here");
  const number = matches.length >= enough ? `${enough}+` : matches.length;
  $("found").textContent = wanted.length > 1 ? `${number} found` : "";
}

// In the old reading a match is one of its own only where it holds a word that was replaced.
function collect({ nodes, text }, wanted, was) {
  let first = 0;
  for (let at = text.indexOf(wanted); at >= 0 && matches.length < enough; at = text.indexOf(wanted, at + wanted.length)) {
    while (first + 1 < nodes.length && nodes[first + 1].start <= at) first++;
    let last = first;
    let replaced = nodes[first].replaced;
    while (last + 1 < nodes.length && nodes[last + 1].start < at + wanted.length) replaced = nodes[++last].replaced || replaced;
    if (was && !replaced) continue;
    const range = document.createRange();
    const inside = ({ start, node }, place) => [node, Math.min(place - start, node.length)];
    range.setStart(...inside(nodes[first], at));
    range.setEnd(...inside(nodes[last], at + wanted.length));
    matches.push(range);
  }
}

function step(by) {
  if (!matches.length) return;
  match = (match + by + matches.length) % matches.length;
  CSS.highlights?.set("here", new Highlight(matches[match]));
  $("found").textContent = `${match + 1} of ${matches.length}`;
  const parent = matches[match].startContainer.parentElement;
  const mark = parent.closest(".c");
  if (mark) select(Number(mark.dataset.i), false);
  else parent.scrollIntoView({ block: "center" });
}

let pause = 0;
$("find").addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(find, 120);
});
$("find").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  clearTimeout(pause);
  if (match < 0) find();
  step(event.shiftKey ? -1 : 1);
});
