/**
 * Limits of this realm's wasm memories. Python meets one as a MemoryError: its allocator was refused to grow.
 *
 * A page of wasm memory is 64 KiB, and only scripts make an engine's memory grow.
 */

const PAGE_BYTES = 65_536;
const { apply } = Reflect;

/** @type {Map<string, () => number>} */
const caps = new Map();

/**
 * Refuse to let a memory grow above a size; the smallest of all caps counts.
 * @param {string} name              Replaces the cap of this name.
 * @param {() => number} readBytes   Asked each time; 0: no limit.
 */
export function capHeap(name, readBytes) {
  if (caps.size === 0) guardGrowth();
  caps.set(name, readBytes);
}

function guardGrowth() {
  const { grow } = WebAssembly.Memory.prototype;
  /** @this {WebAssembly.Memory} */
  WebAssembly.Memory.prototype.grow = function (pages) {
    const wantedBytes = this.buffer.byteLength + pages * PAGE_BYTES;
    for (const readBytes of caps.values()) {
      const capBytes = readBytes();
      if (capBytes > 0 && wantedBytes > capBytes)
        throw new RangeError(`memory: expected at most ${capBytes} bytes, got ${wantedBytes}.`);
    }
    return apply(grow, this, [pages]);
  };
}
