/** The wasm memory of this realm, which its engine does not show. */

/**
 * Watch what memories are made; to be called before the engine is imported.
 * @returns {() => number} Size in bytes of the largest; 0 before there is one.
 */
export function watchHeap() {
  /** @type {WebAssembly.Memory[]} */
  const memories = [];
  WebAssembly.Memory = class extends WebAssembly.Memory {
    /** @param {WebAssembly.MemoryDescriptor} descriptor */
    constructor(descriptor) {
      super(descriptor);
      memories.push(this);
    }
  };
  return () => Math.max(0, ...memories.map(({ buffer }) => buffer.byteLength));
}
