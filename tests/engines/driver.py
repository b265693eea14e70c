"""What the shared suite asks of a browser, whatever protocol drives it."""

import json
from typing import Any, Protocol

# How long a page may take for one answer, and how much longer its driver waits for it.
PAGE_MS = 45_000
DRIVER_MS = PAGE_MS + 15_000

# Every wait is inside the page and bounded there; the answer is one JSON text in all protocols.
_ANSWER = """() => new Promise((resolve) => {
  const known = (_, value) => (value === undefined ? null : value);
  const answer = (kind, value) => {
    clearTimeout(timer);
    resolve(JSON.stringify({ [kind]: value }, known));
  };
  const timer = setTimeout(answer, %(page_ms)d, "late");
  new Promise((ok) => ok((%(source)s)(%(argument)s))).then(
    (value) => answer("value", value),
    (error) => answer("error", `${error}\\n${error?.stack ?? ""}`),
  );
})"""


class EngineError(Exception):
    """A browser did not do what it was told: it ended, did not answer, or a script failed."""


class Tab(Protocol):
    """One page in a tab of its own."""

    def open(self, url: str) -> None:
        """Go to an address and wait until it has loaded."""
        ...

    def answer(self, function: str) -> str:
        """Call an asynchronous function without parameters and return the text it resolves to."""
        ...

    def click(self, selector: str) -> None:
        """Click an element as a person does: the event is trusted."""
        ...

    def press(self, selector: str, key: str) -> None:
        """Focus an element and press ``Enter`` or ``Space`` as a person does."""
        ...

    def back(self) -> None:
        """Go back by the browser's button and wait until a page has loaded."""
        ...

    def close(self) -> None:
        """Close the tab."""
        ...


class Engine(Protocol):
    """A browser that runs."""

    @property
    def version(self) -> str:
        """Its version, for people."""
        ...

    def open_tab(self) -> Tab:
        """Open an empty tab that shares storage with the others."""
        ...

    def is_alive(self) -> bool:
        """Say whether it still answers."""
        ...

    def close(self) -> None:
        """End the browser and every process that was started for it."""
        ...


def evaluate(tab: Tab, source: str, argument: Any = None) -> Any:
    """Call a function of the page, which may be asynchronous, and return its plain value.

    Args:
        tab: The page.
        source: A JavaScript function of one parameter.
        argument: Plain data for it.

    Raises:
        EngineError: It threw, or has not answered in ``PAGE_MS``.
    """
    function = _ANSWER % {
        "page_ms": PAGE_MS,
        "source": source,
        "argument": json.dumps(argument),
    }
    told = json.loads(tab.answer(function))
    if "value" in told:
        return told["value"]
    text = told.get("error", f"expected an answer in {PAGE_MS} ms, got none")
    raise EngineError(f"{text}\n{source}")
