"""What a script has left on a page, counted through the debugger protocol."""

from collections import Counter
from typing import Any, Self

from playwright.sync_api import CDPSession, Page

from .workers import running

TARGETS = ("window", "document", "document.documentElement", "document.body", "visualViewport")
LIVE = ("Worker", "MutationObserver", "IntersectionObserver", "MessagePort", "BroadcastChannel")

# No protocol lists timers: what is set and neither due nor cleared is counted from the start on.
COUNT_TIMERS = """
const pending = { timeouts: new Set(), intervals: new Set(), frames: new Set(), idle: new Set() };
Object.defineProperty(window, "pendingTimers", {
  value: () => Object.fromEntries(Object.entries(pending).map(([name, ids]) => [name, ids.size])),
});
function count(name, set, clear, isRepeated) {
  const [own, ownClear] = [window[set], window[clear]];
  window[set] = (action, ...rest) => {
    const due = (...args) => { if (!isRepeated) pending[name].delete(id); return action(...args); };
    const id = own(due, ...rest);
    pending[name].add(id);
    return id;
  };
  window[clear] = (id) => { pending[name].delete(id); ownClear(id); };
}
count("timeouts", "setTimeout", "clearTimeout");
count("intervals", "setInterval", "clearInterval", true);
count("frames", "requestAnimationFrame", "cancelAnimationFrame");
count("idle", "requestIdleCallback", "cancelIdleCallback");
"""

# What the window has, and what classes and prototypes that hang from it have, by identity.
REMEMBER = """() => {
  const properties = () => {
    const found = new Map();
    for (const name of Reflect.ownKeys(window)) {
      const global = Object.getOwnPropertyDescriptor(window, name);
      found.set(String(name), global.get ?? global.value);
      const holders = typeof global.value === "function"
        ? [global.value, global.value.prototype]
        : [window.history, window.navigator, window.location, document].includes(window[name])
          ? [window[name]] : [];
      for (const holder of holders) {
        if (!holder) continue;
        for (const key of Reflect.ownKeys(holder)) {
          const { value, get, set } = Object.getOwnPropertyDescriptor(holder, key);
          const part = holder === global.value?.prototype ? ".prototype" : "";
          const path = `${String(name)}${part}.${String(key)}`;
          if (typeof value === "function" || get || set) found.set(path, value ?? get ?? set);
        }
      }
    }
    return found;
  };
  const before = properties();
  Object.defineProperty(window, "changedProperties", { value: () => {
    const after = properties();
    const names = new Set([...before.keys(), ...after.keys()]);
    names.delete("changedProperties");
    return [...names].filter((name) => !Object.is(before.get(name), after.get(name))).sort();
  } });
}"""


LOCKS = """async () => {
  const { held, pending } = await navigator.locks.query();
  return held.length + pending.length;
}"""
FRAME = "() => new Promise((ok) => requestAnimationFrame(() => ok()))"
PATIENCE_FRAMES = 1_800
# Each takes a collection.
PATIENCE_LOOKS = 50


class PageTrace:
    """Remembers a page as it is now, to say later what is different."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)
        page.evaluate(REMEMBER)
        self._before = self._counts()

    @classmethod
    def of(cls, page: Page, url: str) -> Self:
        """Open ``url`` with its timers counted from the start."""
        page.add_init_script(COUNT_TIMERS)
        page.goto(url)
        # The driver's own listeners come with its first command of this kind.
        page.add_script_tag(url="/nothing.js")
        return cls(page)

    def left(self) -> dict[str, Any]:
        """Return what there is more or less of than before, and which properties are others."""
        now = self._counts()
        changed: list[str] = self._page.evaluate("() => changedProperties()")
        counts = {
            name: count - self._before.get(name, 0)
            for name, count in now.items()
            if count != self._before.get(name, 0)
        }
        return {**counts, **({"properties": changed} if changed else {})}

    def left_at_last(self, expected: dict[str, Any]) -> dict[str, Any]:
        """Return what there is more or less of, once that is as expected or does not become so.

        A browser takes its time: a worker is told to have ended before its locks are free.
        """
        left = self.left()
        for _ in range(PATIENCE_FRAMES):
            if left == expected:
                break
            self._page.evaluate(FRAME)
            left = self.left()
        return left

    def live(self) -> dict[str, int]:
        """Return how many objects of classes that cost something a collection leaves."""
        return {name: self._live(name) for name in LIVE}

    def falls_to(self, former: dict[str, int]) -> bool:
        """Say whether no more are left than formerly; a browser takes its time with what ended."""
        for _ in range(PATIENCE_LOOKS):
            now = self.live()
            if all(now[name] <= count for name, count in former.items()):
                return True
            self._page.evaluate(FRAME)
        return False

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = dict(self._page.evaluate("() => pendingTimers()"))
        for target in TARGETS:
            for listener in self._listeners(target):
                name = f"{target}: {listener['type']}"
                counts[name] = counts.get(name, 0) + 1
        counts["locks"] = self._page.evaluate(LOCKS)
        return counts | Counter(f"worker: {name}" for name in running(self._page).elements())

    def _object(self, expression: str) -> str:
        found = self._session.send("Runtime.evaluate", {"expression": expression})
        return str(found["result"]["objectId"])

    def _listeners(self, target: str) -> list[dict[str, Any]]:
        found = self._session.send(
            "DOMDebugger.getEventListeners", {"objectId": self._object(target)}
        )
        listeners: list[dict[str, Any]] = found["listeners"]
        return listeners

    def _live(self, name: str) -> int:
        """Count the objects of a class that a collection leaves."""
        prototype = self._object(f"{name}.prototype")
        found = self._session.send("Runtime.queryObjects", {"prototypeObjectId": prototype})
        objects = found["objects"]["objectId"]
        length = self._session.send(
            "Runtime.callFunctionOn",
            {
                "objectId": objects,
                "functionDeclaration": "function () { return this.length; }",
                "returnByValue": True,
            },
        )
        # What is found would live on for this session.
        self._session.send("Runtime.releaseObject", {"objectId": objects})
        return int(length["result"]["value"])
