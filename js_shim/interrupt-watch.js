/**
 * Interrupts running Python at a time that Python itself wrote down, without memory shared between threads.
 *
 * The interpreter polls element 0 of what `setInterruptBuffer` got, every 50 jumps or calls, in matching of patterns,
 * too. Any object will do: a getter looks at the clock then. It is not polled while C code runs that does not ask.
 */

const SIGINT = 2;
// Looking at the clock at every poll would make a tight loop half as fast again.
const POLLS_PER_LOOK = 16;
// The handler runs Python as well, and is polled; it must not be interrupted by what it handles.
const RESPITE_MS = 50;

/**
 * @param {any} python                The Pyodide instance.
 * @param {() => number} readDeadlineMs  On the clock of `nowMs`; 0: none.
 * @param {() => number} nowMs
 */
export function watchDeadline(python, readDeadlineMs, nowMs) {
  let polls = 0;
  let quietUntilMs = 0;

  function poll() {
    polls = (polls + 1) % POLLS_PER_LOOK;
    if (polls !== 0) return 0;
    const deadlineMs = readDeadlineMs();
    if (deadlineMs === 0) return 0;
    const now = nowMs();
    if (now < deadlineMs || now < quietUntilMs) return 0;
    quietUntilMs = now + RESPITE_MS;
    return SIGINT;
  }

  python.setInterruptBuffer({
    get 0() {
      return poll();
    },
    // The interpreter clears the signal it has taken.
    set 0(_taken) {},
  });
}
