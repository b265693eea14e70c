// A page that is busy by itself: ten thousand nodes, an animation in every frame, nodes that come and go.

const NODES = 10_000;
const CHURN = 50;
const list = document.getElementById("list");
const exposed = new Set();
const clicked = [];

function row(number, attribute) {
  const item = document.createElement("li");
  item.textContent = `Product ${number}`;
  item.setAttribute(attribute, `${attribute}-${number}`);
  return item;
}

/** Add `count` rows at once, as a page does that got a list from its server. */
function add(count, attribute) {
  const rows = Array.from({ length: count }, (_, number) => row(number, attribute));
  list.prepend(...rows);
}

function animate(nowMs) {
  document.getElementById("moving").style.transform = `translateX(${nowMs % 200}px)`;
  for (let i = 0; i < CHURN; i++) list.lastElementChild.remove();
  list.append(...Array.from({ length: CHURN }, (_, number) => row(number, "data-churn")));
  requestAnimationFrame(animate);
}

window.EdgeAI.q.push([
  "on",
  "event",
  ({ type, clickId }) => {
    if (type.endsWith(".exposure")) exposed.add(clickId);
    else if (clickId) clicked.push(clickId);
    check();
  },
]);

let check = () => {};
window.addMarked = () => add(NODES, "data-edge-expose");

/** Resolves once so many clicks and exposures were captured. */
window.captured = (clicks, exposures) =>
  new Promise((ok) => {
    check = () => clicked.length >= clicks && exposed.size >= exposures && ok(exposed.size);
    check();
  });

add(NODES, "data-plain");
requestAnimationFrame(animate);
