"""What axe-core finds wrong with a page for people who cannot see or point."""

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN = """() => axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 200))]))"""


@cache
def axe() -> str:
    return AXE.read_text()


def barriers(page: Page) -> list[list[str]]:
    """Return the rules that the page breaks, each with the nodes that do, through shadow roots."""
    # A motion that has not ended is a contrast that is not there yet.
    page.evaluate(
        """() => Promise.all([document, ...[...document.querySelectorAll("*")]
          .map(({ shadowRoot }) => shadowRoot).filter(Boolean)]
          .flatMap((root) => root.getAnimations()).map((each) => each.finished))"""
    )
    page.evaluate(f"() => {{ if (!window.axe) {{ {axe()} }} }}")
    found: list[list[str]] = page.evaluate(RUN)
    return found
