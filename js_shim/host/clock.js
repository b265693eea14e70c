/** Time as the core sees it; sleeping is asyncio's. */

/** Unix time, milliseconds; may jump when the device's clock is set. */
export const nowMs = () => Date.now();

/** Milliseconds that never go back; only differences mean something. */
export const monotonicMs = () => performance.now();
