/** Moves elements to their new places so that the eye can follow: First, Last, Invert, Play. */

const DURATION_MS = 520;
const EASING = "cubic-bezier(0.2, 0.8, 0.2, 1)";

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * Put `nodes` into `parent` in this order; only transforms are animated.
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} nodes
 */
export function reorder(parent, nodes) {
  const focused = document.activeElement;
  const visible = parent.offsetParent !== null && !isStill();
  const before = visible
    ? new Map(nodes.map((node) => [node, node.getBoundingClientRect()]))
    : null;
  parent.append(...nodes);
  if (focused instanceof HTMLElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
  if (!before) return;
  const moves = nodes.map((node) => ({
    node,
    from: before.get(node),
    to: node.getBoundingClientRect(),
  }));
  for (const { node, from, to } of moves) if (from) play(node, from, to);
}

/**
 * @param {HTMLElement} node
 * @param {DOMRect} from
 * @param {DOMRect} to
 */
function play(node, from, to) {
  const reach = window.innerHeight;
  const isSeen = (/** @type {DOMRect} */ rect) => rect.bottom > 0 && rect.top < reach;
  if (!isSeen(from) && !isSeen(to)) return;
  const dx = from.left - to.left;
  // A card from far below would cross the screen in one frame: it starts just outside instead.
  const dy = Math.max(-reach, Math.min(reach, from.top - to.top));
  if (dx === 0 && dy === 0) return;
  node.animate([{ transform: `translate(${dx}px, ${dy}px)` }, { transform: "none" }], {
    duration: DURATION_MS,
    easing: EASING,
  });
}
