"""The suites of the ports' contracts on every engine: its IndexedDB, WebCrypto, fetch, pictures."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import DIST
from tests.browser.test_contract import NAMES, START, write_site
from tests.contract.echo import ROUTE
from web_runtime.serve import BackgroundServer, create_app

from .conftest import OpenShop

BEGIN = f"(order) => {{ document.cookie = 'user=7'; window.outcome = ({START})(order); }}"
# Several answers' time, on a slow machine.
WAIT = "() => Promise.race([outcome, new Promise((ok) => setTimeout(ok, 40_000))])"
PATIENCE = 5
HUNG = "() => `the suites did not end: ${globalThis.running ?? 'Python did not start'}`"


@pytest.fixture
def contract(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A site with the suites, and what of it is served to their worker."""
    folder = tmp_path_factory.mktemp("contract")
    served = write_site(folder)
    app = create_app(folder, DIST)
    app.router.routes.insert(0, ROUTE)
    with BackgroundServer(app) as server:
        yield server.url, served


@pytest.mark.timeout(300)
@pytest.mark.feature("ports")
def test_the_engine_keeps_the_contract_of_every_port(
    open_shop: OpenShop, contract: tuple[str, list[dict[str, str]]]
) -> None:
    shop = open_shop()
    shop.url, served = contract
    shop.open().evaluate(BEGIN, {"served": served})

    waits = (shop.evaluate(WAIT) for _ in range(PATIENCE))
    outcome = next(filter(None, waits), None) or {"error": shop.evaluate(HUNG)}

    assert "error" not in outcome, outcome["error"]
    assert [check["name"] for check in outcome["checks"]] == NAMES
    assert [check for check in outcome["checks"] if not check["ok"]] == []
