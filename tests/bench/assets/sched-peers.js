// Peers for queueing: the same tasks, which do nothing, through what a page would take from npm.
import CircuitBreaker from "opossum/dist/opossum.min.js";
import PQueue from "p-queue";

const CONCURRENCY = 4;
const TIMEOUT_MS = 10_000;
const PRIORITIES = 3;

const nothing = async () => {};

/** Each returns a function that runs task `number`, with a timeout and a priority where there is one. */
const peers = {
  pQueue() {
    const queue = new PQueue({ concurrency: CONCURRENCY });
    return (number) => queue.add(nothing, { priority: number % PRIORITIES, timeout: TIMEOUT_MS });
  },
  opossum() {
    const breaker = new CircuitBreaker(nothing, { timeout: TIMEOUT_MS });
    return () => breaker.fire();
  },
  both() {
    const queue = new PQueue({ concurrency: CONCURRENCY });
    const breaker = new CircuitBreaker(nothing, { timeout: TIMEOUT_MS });
    return (number) => queue.add(() => breaker.fire(), { priority: number % PRIORITIES });
  },
};

/** Run `count` tasks at once, then one by one; milliseconds of both, and the tasks that ended. */
window.runPeer = async (name, count) => {
  const atOnce = peers[name]();
  let ended = 0;
  const numbers = Array.from({ length: count }, (_, number) => number);
  let started = performance.now();
  await Promise.all(numbers.map((number) => atOnce(number).then(() => ended++)));
  const atOnceMs = performance.now() - started;
  const oneByOne = peers[name]();
  started = performance.now();
  for (const number of numbers) {
    await oneByOne(number);
    ended++;
  }
  return { atOnceMs, oneByOneMs: performance.now() - started, ended };
};
