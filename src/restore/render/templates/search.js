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
    const skip = parent.localName === "ins" ? was || !parent.parentElement.classList.contains("on")
      : parent.localName === "del" && !was && parent.parentElement.classList.contains("on");
    if (skip) continue;
    nodes.push([text.length, node]);
    text += node.data;
  }
  return { nodes, text: text.toLowerCase() };
}

function spot({ nodes }, at) {
  const [start, node] = nodes.findLast(([begin]) => begin <= at);
  return [node, Math.min(at - start, node.length)];
}

function find() {
  const wanted = visible($("find").value).toLowerCase().trim();
  matches = [];
  match = -1;
  if (wanted.length > 1) {
    for (const line of document.querySelectorAll("#text .l:not(.was)")) {
      const now = reading(line, false);
      collect(now, wanted, () => true);
      if (line.querySelector(".c.on")) collect(reading(line, true), wanted, (range) => touches(range));
      if (matches.length >= enough) break;
    }
  }
  CSS.highlights?.set("found", new Highlight(...matches));
  CSS.highlights?.delete("here");
  const number = matches.length >= enough ? `${enough}+` : matches.length;
  $("found").textContent = wanted.length > 1 ? `${number} found` : "";
}

function collect(line, wanted, fits) {
  for (let at = line.text.indexOf(wanted); at >= 0; at = line.text.indexOf(wanted, at + wanted.length)) {
    const range = document.createRange();
    range.setStart(...spot(line, at));
    range.setEnd(...spot(line, at + wanted.length - 1));
    range.setEnd(range.endContainer, range.endOffset + 1);
    if (fits(range)) matches.push(range);
  }
}

// A match in the old reading is one of its own only where it holds a word that was replaced.
const touches = (range) => [...range.commonAncestorContainer.parentElement.closest(".l").querySelectorAll(".c.on del")]
  .some((del) => range.intersectsNode(del.firstChild ?? del));

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
