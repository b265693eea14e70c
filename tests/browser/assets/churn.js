/**
 * Track and put without end, as fast as answers come, and tell `told` of each answer: {events} that a flush made
 * durable, or {value} that a put did. `told` is the test's, so it outlives the page.
 */
window.churn = (first) => {
  let next = first;
  let answers = 0;
  const waiting = new Set();

  const answered = (what) => {
    window.told(what);
    answers++;
    for (const check of waiting) check();
  };

  // A worker that ended takes no call: not at once again, or the page could not hear of the next one.
  const lost = () => new Promise((resolve) => setTimeout(resolve, 10));

  async function flushes() {
    for (;;) {
      const events = [next++, next++, next++];
      for (const n of events)
        EdgeAI.track({ type: "mta", pageId: "M", clickId: "c", props: { n } });
      await EdgeAI.flush().then(() => answered({ events }), lost);
    }
  }

  async function puts() {
    for (;;) {
      const value = next++;
      await EdgeAI.put("profile.n", value).then(() => answered({ value }), lost);
    }
  }

  /** Resolve `delayMs` behind the answer number `count`. */
  window.churned = (count, delayMs) =>
    new Promise((resolve) => {
      const check = () => {
        if (answers < count) return;
        waiting.delete(check);
        setTimeout(resolve, delayMs);
      };
      waiting.add(check);
      check();
    });

  flushes();
  puts();
};
