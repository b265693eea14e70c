/**
 * Limits of this realm's wasm memories. Python meets one as a MemoryError: its allocator was refused to grow.
 *
 * A page of wasm memory is 64 KiB, and only scripts make an engine's memory grow.
 */

const PAGE_BYTES = 65_536;
const { apply } = Reflect;

let fixedBytes = 0;
let watchedBytes = () => 0;
let isGuarded = false;

/**
 * Refuse to let a memory grow above a size, for ever.
 * @param {number} bytes  0: no limit.
 */
export function capHeap(bytes) {
  fixedBytes = bytes;
  guardGrowth();
}

/**
 * Refuse to let a memory grow above a size that changes, as well.
 * @param {() => number} readBytes  Asked each time; 0: no limit. Replaces the one before.
 */
export function watchCap(readBytes) {
  watchedBytes = readBytes;
  guardGrowth();
}

function guardGrowth() {
  if (isGuarded) return;
  isGuarded = true;
  const { grow } = WebAssembly.Memory.prototype;
  /** @this {WebAssembly.Memory} */
  WebAssembly.Memory.prototype.grow = function (pages) {
    const wantedBytes = this.buffer.byteLength + pages * PAGE_BYTES;
    check(wantedBytes, fixedBytes);
    check(wantedBytes, watchedBytes());
    return apply(grow, this, [pages]);
  };
}

/**
 * @param {number} wantedBytes
 * @param {number} capBytes
 */
function check(wantedBytes, capBytes) {
  if (capBytes > 0 && wantedBytes > capBytes)
    throw new RangeError(`memory: expected at most ${capBytes} bytes, got ${wantedBytes}.`);
}
