/**
 * Track and put without end, as answers come, and tell `told` of each answer: {events} that a flush made
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

  // A page that has nothing else to do would write hundreds of segments a second, and the next start read them all.
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

  async function flushes() {
    for (;;) {
      const events = [next++, next++, next++];
      for (const n of events)
        EdgeAI.track({ type: "mta", pageId: "M", clickId: "c", props: { n } });
      await EdgeAI.flush().then(
        () => answered({ events }),
        () => {},
      );
      await pause();
    }
  }

  async function puts() {
    for (;;) {
      const value = next++;
      await EdgeAI.put("profile.n", value).then(
        () => answered({ value }),
        () => {},
      );
      await pause();
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
