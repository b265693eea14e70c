"""Drive the demo shop once and say what happened: ``python -m demo_h5.tour`` (``make demo``).

Exit code 0 only if the clicked category rose by half or more, searches and photos were answered
right, banned words were found on labels, and no request left the origin. On a terminal the shop
stays open afterwards; HEADLESS=0 only serves it.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from demo_h5.shopper import CATEGORY, SIZES, run_shopper, wait_until_ready
from demo_h5.story import Story
from web_runtime.browser import launch_options
from web_runtime.errors import ToolError
from web_runtime.serve import BackgroundServer, create_app

__all__ = ["main", "problems_of", "run_shopper", "wait_until_ready"]

ROOT: Final = Path(__file__).parent.parent
SITE: Final = ROOT / "demo_h5" / "dist"
RUNTIME: Final = ROOT / "web_runtime" / "dist"
SCREENSHOTS: Final = ROOT / ".cache" / "screenshots"


def main() -> int:
    """Serve the demo, drive it unless HEADLESS=0, and keep serving on a terminal."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    for folder, verb in ((SITE, "python -m demo_h5.build"), (RUNTIME, "make build")):
        if not folder.is_dir():
            text = f"{folder.relative_to(ROOT)}: expected a built folder, got none. Run `{verb}`."
            complain(text, console)
            return 1
    only_serve = os.environ.get("HEADLESS") == "0"
    with BackgroundServer(create_app(SITE, RUNTIME)) as server:
        try:
            problems = [] if only_serve else drive(server.url, console)
        except (ToolError, AssertionError, BrowserError) as error:
            problems = [str(error)]
            complain(str(error), console)
        if only_serve or sys.stdout.isatty():
            keep_serving(server.url, console)
    return 1 if problems else 0


def drive(url: str, console: Console) -> list[str]:
    """Send one shopper through the shop and print the trace; return what went wrong."""
    console.print(f"[bold]A shopper visits {url}[/bold]")
    width_px, height_px = SIZES["phone"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        page = browser.new_page(viewport={"width": width_px, "height": height_px})
        story = run_shopper(page, url, SCREENSHOTS)
        browser.close()
    print_story(story, console)
    problems = problems_of(story)
    for problem in problems:
        complain(problem, console)
    if not problems:
        console.print(
            "[green]✓ ranked, searched, recognised and read; nothing left the device[/green]"
        )
    return problems


def problems_of(story: Story) -> list[str]:
    """Return what the demo promised and did not keep."""
    problems = []
    if story.rank_after > story.rank_before / 2:
        problems.append(
            f"{CATEGORY}: expected a mean rank of at most {story.rank_before / 2:.1f} after the "
            f"clicks, got {story.rank_after:.1f}. Look at demo_h5/tasks/rank and its model."
        )
    problems += [
        f"{photo.file}: expected {photo.expected!r}, got {photo.label or photo.cost!r}."
        for photo in story.photos
        if not photo.is_right
    ]
    problems += [
        f"label {label.sample}: expected the banned words {list(label.expected)} on its lines, "
        f"got {list(label.banned)} on {label.lines}."
        for label in story.labels
        if label.banned != label.expected or not label.lines
    ]
    problems += [
        f"search {found.query!r}: expected {found.expected or 'nothing'}, "
        f"got {found.category or 'nothing'} ({found.cost})."
        for found in story.searches
        if found.category != found.expected
    ]
    if story.outside:
        problems.append(f"requests: expected none beyond the origin, got {story.outside}.")
    return problems


def print_story(story: Story, console: Console) -> None:
    """Print boot, every step, the ranks, photos, labels and where the pictures are."""
    boot = story.status["boot"]
    steps = " · ".join(f"{name} {ms:.0f}" for name, ms in boot["stepsMs"].items())
    why = f" ({boot['coldReason']})" if boot.get("coldReason") else ""
    console.print(f"boot    {boot['mode']}{why}, {boot['totalMs']:.0f} ms: {steps}")
    for problem in story.status.get("problems", []):
        complain(f"{problem['code']}: {problem['message']}", console)
    console.print(run_table(story))
    ratio = story.rank_after / story.rank_before
    console.print(
        f"feed    {CATEGORY}: mean rank {story.rank_before:.1f} before the clicks, "
        f"{story.rank_after:.1f} after ({ratio:.2f} of before)"
    )
    for photo in story.photos:
        console.print(
            f"photo   {photo.file} → {photo.label} {photo.probability:.0%} · {photo.cost} · "
            f"like it in the shop: {photo.near or 'nothing'}"
        )
    for label in story.labels:
        words = "、".join(label.banned) or "none"
        console.print(
            f"label   {label.sample}: {label.lines} lines, banned words: {words} · {label.cost}"
        )
    for found in story.searches:
        hit = f"item {found.product} of {found.category}" if found.product else "nothing"
        console.print(f"search  {found.query} → {hit} · {found.cost}")
    console.print(f"network {len(story.requested)} requests, {len(story.outside)} left the origin")
    console.print(f"screens {len(story.screenshots)} in {story.screenshots[0].parent}")
    for path in story.screenshots:
        console.print(f"        {path.name}")


def run_table(story: Story) -> Table:
    """Return the trace: event → trigger → run → result, with each run's timings."""
    table = Table(title_justify="left", box=None, pad_edge=False)
    for name in ("event", "→ trigger → run", "backend"):
        table.add_column(name)
    for name in ("queued", "run", "infer", "total ms", f"{CATEGORY} rank"):
        table.add_column(name, justify="right")
    for step in story.steps:
        result = step.result
        timings = [result["timings"][key] for key in ("queuedMs", "runMs", "inferMs", "totalMs")]
        table.add_row(
            step.event,
            f"{result['trigger']} → {result['taskName']}",
            backends_of(result),
            *(f"{ms:.1f}" for ms in timings),
            f"{step.category_rank:.1f}",
        )
    return table


def backends_of(result: Mapping[str, Any]) -> str:
    """Say where each model of a run was executed."""
    return ", ".join(f"{model} on {where['name']}" for model, where in result["backend"].items())


def complain(text: str, console: Console) -> None:
    """Print what went wrong; brackets in it are no markup."""
    console.print(f"✗ {text}", style="red", markup=False)


def keep_serving(url: str, console: Console) -> None:
    """Serve until interrupted."""
    console.print(f"[bold]The shop is open at {url}[/bold] (Ctrl+C closes it)")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("closed")


if __name__ == "__main__":
    sys.exit(main())
