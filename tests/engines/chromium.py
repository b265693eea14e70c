"""Chromium through Playwright, as it is or slowed down as a cheap phone is."""

from typing import Any

from playwright.sync_api import BrowserContext, Error, Page, Playwright

from web_runtime.browser import launch_options

from .driver import DRIVER_MS, EngineError


class Chromium:
    """The pinned Chromium.

    Args:
        playwright: The session's.
        slowdown: How many times slower pages compute than this machine does.
    """

    def __init__(self, playwright: Playwright, slowdown: int = 1) -> None:
        self._browser = playwright.chromium.launch(**launch_options())
        self._context = self._browser.new_context()
        self._slowdown = slowdown
        self.version = self._browser.version

    def open_tab(self) -> "ChromiumTab":
        """Open an empty tab."""
        return ChromiumTab(self._context, self._slowdown)

    def is_alive(self) -> bool:
        """Say whether it still answers."""
        return self._browser.is_connected()

    def close(self) -> None:
        """End the browser."""
        self._browser.close()


class ChromiumTab:
    """One page of the browser's only context."""

    def __init__(self, context: BrowserContext, slowdown: int) -> None:
        self._page: Page = context.new_page()
        self._page.set_default_timeout(DRIVER_MS)
        if slowdown > 1:
            session = context.new_cdp_session(self._page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})

    def open(self, url: str) -> None:
        """Go to an address."""
        self._page.goto(url)

    def answer(self, function: str) -> str:
        """Call a function of the page."""
        try:
            told: Any = self._page.evaluate(function)
        except Error as error:
            raise EngineError(f"chromium: expected an answer, got {error}") from error
        return str(told)

    def click(self, selector: str) -> None:
        """Click the middle of an element."""
        self._page.click(selector)

    def press(self, selector: str, key: str) -> None:
        """Focus an element and press a key."""
        self._page.press(selector, key)

    def back(self) -> None:
        """Go back in the tab's history."""
        self._page.go_back()

    def close(self) -> None:
        """Close the tab."""
        self._page.close()
