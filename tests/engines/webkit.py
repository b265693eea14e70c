"""WebKitGTK over WebDriver, on a screen that nobody sees."""

import os
import shutil
import tempfile
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Remote, WebKitGTKOptions
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.service import Service
from urllib3.exceptions import HTTPError

from .driver import DRIVER_MS, EngineError
from .process import Process, end_group

KEYS = {"Enter": Keys.ENTER, "Space": Keys.SPACE}
CALL = "const done = arguments[arguments.length - 1]; (%s)().then(done);"


class Webkit:
    """MiniBrowser, WebKitGTK's own, with a display and a home that end with it.

    Args:
        program: Path of WebKitWebDriver.
        screen: Path of Xvfb.
    """

    def __init__(self, program: str, screen: str) -> None:
        self.is_silent = False
        self._home = Path(tempfile.mkdtemp(prefix="engine-webkit-"))
        display = ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
        self._screen = Process([screen, *display], os.environ, r"^(\d+)$")
        self._service = Service(
            program,
            env={
                **os.environ,
                "DISPLAY": f":{self._screen.told}",
                "HOME": str(self._home),
                "XDG_RUNTIME_DIR": str(self._home),
            },
            popen_kw={"start_new_session": True},
        )
        try:
            self._driver = self._connected()
        except BaseException:
            self._end()
            raise
        self._driver.set_script_timeout(DRIVER_MS / 1000)
        self.version = str(self._driver.capabilities["browserVersion"])

    def _connected(self) -> Remote:
        try:
            self._service.start()
            config = ClientConfig(self._service.service_url, timeout=DRIVER_MS // 1000 + 5)
            return Remote(RemoteConnection(client_config=config), options=WebKitGTKOptions())
        except (WebDriverException, HTTPError) as error:
            raise EngineError(f"webkit: expected it to start, got {error}") from error

    def open_tab(self) -> "WebkitTab":
        """Open an empty tab."""
        # The first one stays: with its last window the browser would end.
        self._driver.switch_to.window(self._driver.window_handles[0])
        self._driver.switch_to.new_window("window")
        return WebkitTab(self, self._driver, self._driver.current_window_handle)

    def is_alive(self) -> bool:
        """Say whether it still answers."""
        try:
            return not self.is_silent and bool(self._driver.window_handles)
        except (WebDriverException, HTTPError):
            return False

    def close(self) -> None:
        """End the browser, its screen and its home."""
        self._end()

    def _end(self) -> None:
        # Without a word to the browser, which may have stopped to listen.
        if hasattr(self._service, "process"):
            end_group(self._service.process)
            self._service.stop()
        self._screen.end()
        shutil.rmtree(self._home, ignore_errors=True)


class WebkitTab:
    """One window of the protocol's; it is switched to before each command."""

    def __init__(self, browser: Webkit, driver: Remote, handle: str) -> None:
        self._browser = browser
        self._known = driver
        self._handle = handle

    @property
    def _driver(self) -> Remote:
        self._known.switch_to.window(self._handle)
        return self._known

    def open(self, url: str) -> None:
        """Go to an address."""
        self._driver.get(url)

    def answer(self, function: str) -> str:
        """Call a function of the page."""
        try:
            return str(self._driver.execute_async_script(CALL % function))
        except (WebDriverException, HTTPError) as error:
            self._browser.is_silent = isinstance(error, HTTPError)
            raise EngineError(f"webkit: expected an answer, got {error}") from error

    def click(self, selector: str) -> None:
        """Click an element."""
        self._driver.find_element(By.CSS_SELECTOR, selector).click()

    def press(self, selector: str, key: str) -> None:
        """Focus an element and press a key."""
        driver = self._driver
        element = driver.find_element(By.CSS_SELECTOR, selector)
        driver.execute_script("arguments[0].focus()", element)
        ActionChains(driver).send_keys(KEYS[key]).perform()

    def back(self) -> None:
        """Go back in the tab's history."""
        self._driver.back()

    def close(self) -> None:
        """Close the tab."""
        self._driver.close()
