"""What the runtime takes for granted in an engine, and what its automation must not take away."""

from pathlib import Path

from .conftest import OpenShop

ROUNDS, TRIES = 4, 25
OUTER = """
postMessage("about to");
new Worker("/inner.js").onmessage = () => postMessage("did");
"""
# The outer worker starts the inner one while the page's thread is busy.
NESTED = """async ({ tries, patienceMs }) => {
  const once = () => new Promise((resolve) => {
    const worker = new Worker("/outer.js");
    worker.onerror = ({ message }) => resolve(`a worker failed: ${message}`);
    worker.onmessage = ({ data }) => {
      if (data === "did") return resolve(worker.terminate());
      for (const begin = performance.now(); performance.now() - begin < 50;);
      setTimeout(() => resolve("a worker did not start"), patienceMs);
    };
  });
  for (let number = 0; number < tries; number += 1) {
    const failure = await once();
    if (failure) return `${number}: ${failure}`;
  }
  return "";
}"""


def test_a_worker_starts_another_whatever_the_page_is_busy_with(
    site: Path, open_shop: OpenShop
) -> None:
    (site / "inner.js").write_text("postMessage(0);")
    (site / "outer.js").write_text(OUTER)
    shop = open_shop().open("/blank.html")

    # An engine has to answer in time, whatever it is asked.
    for _ in range(ROUNDS):
        assert shop.evaluate(NESTED, {"tries": TRIES, "patienceMs": 10_000}) == ""
