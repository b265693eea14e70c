"""e2e.*: a shopper's real click until the new ranking is there, on the device and by a server."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from playwright.sync_api import Browser, Page

from demo_h5.shopper import wait_until_ready

from . import cloud
from .harness import ASSETS, DEMO_DIST, expect_equal, fresh_page, p50, p99, served, spread
from .report import Measure

ROUNDS: Final = 10
CLICKS_A_ROUND: Final = 30
SCORE_TOLERANCE: Final = 1e-4

LIKE: Final = '[data-testid="feed-card"][data-item="{}"] [data-testid="like"]'
BUTTON: Final = 'button[data-item="{}"]'

Answer = Mapping[str, Any]


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Click in the demo and in the cloud's pages in turns; the first round of each warms up."""
    ranker = cloud.Ranker()
    site = cloud.cloud_site(folder, ranker.items)
    edge_rounds, far_rounds, near_rounds = [], [], []
    with (
        served(DEMO_DIST) as demo,
        served(site, routes=[ranker.route()]) as server,
        fresh_page(browser, reduced_motion="reduce") as edge,
        fresh_page(browser) as far,
        fresh_page(browser) as near,
    ):
        open_demo(edge, demo.url)
        open_cloud(near, server.url)
        open_cloud(far, server.url)
        cloud.emulate_4g(far)
        for number in range(ROUNDS + 1):
            items = items_of_round(ranker, number)
            edge_rounds.append(click_all(edge, LIKE, items, ranker))
            far_rounds.append(click_all(far, BUTTON, items, ranker))
            near_rounds.append(click_all(near, BUTTON, items, ranker))
    return measures(edge_rounds[1:], far_rounds[1:], near_rounds[1:])


def open_demo(page: Page, url: str) -> None:
    """Open the shop and wait for its first ranking."""
    page.add_init_script(path=ASSETS / "clicks.js")
    page.add_init_script(path=ASSETS / "clicks-edge.js")
    page.goto(url)
    wait_until_ready(page)


def open_cloud(page: Page, url: str) -> None:
    """Open the page that asks a server."""
    page.add_init_script(path=ASSETS / "clicks.js")
    page.goto(url)


def items_of_round(ranker: cloud.Ranker, number: int) -> list[int]:
    """Return the products to click, others in each round."""
    shuffled = np.random.default_rng(number).permutation(ranker.items)
    return [int(item) for item in shuffled[:CLICKS_A_ROUND]]


def click_all(page: Page, button: str, items: Sequence[int], ranker: cloud.Ranker) -> list[Answer]:
    """Click one product, wait for its ranking, click the next; return the answers."""
    page.evaluate("() => clickBench.reset()")
    answers = []
    for count, item in enumerate(items, start=1):
        page.locator(button.format(item)).click()
        answer = page.evaluate("(count) => clickBench.answer(count)", count)
        expect_ranking(answer["ranking"], item, ranker)
        answers.append(answer)
    return answers


def expect_ranking(ranking: Answer, clicked: int, ranker: cloud.Ranker) -> None:
    """Refuse the time of an answer that is not the ranking after this click."""
    expect_equal("errors", None, ranking.get("error"))
    expect_equal("the last click of a ranking", clicked, ranking["hist"][-1])
    right = ranker.rank(ranking["hist"])
    expect_equal("products ranked", sorted(right["order"]), sorted(ranking["order"]))
    score_of = dict(zip(right["order"], right["scores"], strict=True))
    given = np.array(ranking["scores"])
    expected = np.array([score_of[item] for item in ranking["order"]])
    is_right = np.allclose(given, expected, rtol=0, atol=SCORE_TOLERANCE)
    expect_equal("scores as onnxruntime's", True, bool(is_right))
    expect_equal("best first", True, bool(np.all(np.diff(given) <= 0)))


def measures(
    edge: Sequence[Sequence[Answer]],
    far: Sequence[Sequence[Answer]],
    near: Sequence[Sequence[Answer]],
) -> list[Measure]:
    """Return our times, and the server's over ours."""
    edge_ms, far_ms, near_ms = (elapsed_ms(chain.from_iterable(each)) for each in (edge, far, near))
    timings = [answer["timings"] for answers in edge for answer in answers]
    inside = {
        f"{name}_p50_ms": round(p50([each[f"{name}Ms"] for each in timings]), 1)
        for name in ("queued", "run", "infer")
    }
    noise = {
        "rounds_p50_ms": spread([p50(elapsed_ms(answers)) for answers in edge]),
        "before_any_script_p50_ms": round(p50([e["unheardMs"] for e in chain(*edge)]), 1),
        **inside,
        "clicks": len(edge_ms),
    }
    behind = {
        "cloud_p50_ms": round(p50(far_ms), 1),
        "cloud_p99_ms": round(p99(far_ms), 1),
        "same_without_network_p50_ms": round(p50(near_ms), 1),
        "round_trip_ms": cloud.ROUND_TRIP_MS,
        "down_bytes_per_s": round(cloud.DOWN_BYTES_PER_S),
        "up_bytes_per_s": round(cloud.UP_BYTES_PER_S),
    }
    peer = f"onnxruntime {onnxruntime.__version__} by HTTP, emulated 4G"
    none = "none (absolute)"
    return [
        Measure("e2e.click_to_result_p50_ms", p50(edge_ms), 15, none, details=noise),
        Measure("e2e.click_to_result_p99_ms", p99(edge_ms), 50, none, details=noise),
        Measure("e2e.vs_cloud", p50(far_ms) / p50(edge_ms), 5, peer, "higher", behind),
    ]


def elapsed_ms(answers: Iterable[Answer]) -> list[float]:
    """Return the times from click to answer."""
    return [answer["elapsedMs"] for answer in answers]
