"""A real Chromium on the real app."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.answers import answered
from tests.support.app_server import AppServer, shared_server

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW_TO_GET_IT = (
    "no Chromium here: get it with `apt-get install chromium` (Debian), or "
    "`python -m playwright install --with-deps chromium`"
)
WAIT_MILLISECONDS = 60_000  # for an answer of a machine that is busy with something else
FRAMES = 10


def _executable(playwright) -> str:
    for name in BROWSERS:
        path = shutil.which(name)
        if path:
            return path
    own = playwright.chromium.executable_path
    if not os.path.isfile(own):
        pytest.skip(HOW_TO_GET_IT)
    return own


@pytest.fixture(scope="session")
def camera_video(astronaut: np.ndarray, tmp_path_factory) -> Path:
    """What Chromium's fake camera sees: a face, as a film of JPEGs one after the other."""
    path = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    frame = Image.new("RGB", (640, 480), (90, 110, 120))
    frame.paste(Image.fromarray(astronaut).crop((40, 0, 440, 480)), (120, 0))
    with path.open("wb") as film:
        for _ in range(FRAMES):
            frame.save(film, "JPEG", quality=95)
    return path


@pytest.fixture(scope="session")
def browser(camera_video: Path):
    """Chromium, which asks nobody before it uses its fake camera."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=_executable(playwright),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera_video}",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(browser) -> AppServer:
    """The running app; asked for after the browser, so that a skip costs nothing."""
    return shared_server()


@pytest.fixture
def server_said(server: AppServer):
    """Function that returns what the server has logged since the test began.

    The server is shared with tests that send it nonsense on purpose, of which it may complain.
    """
    before = len(server.log.read_text())
    return lambda: server.log.read_text()[before:]


@pytest.fixture(scope="session")
def choose_tab():
    """Function that clicks the tab of a name; all are in view, also in a narrow window."""

    def choose(page, name: str) -> None:
        page.get_by_role("tab", name=name, exact=True).click()

    return choose


@pytest.fixture(scope="session")
def give():
    """Function that gives a page a photo, and waits for the answer."""

    def give_photo(page, file) -> None:
        with answered(page):
            page.locator("#photo-view input[type=file]").set_input_files(file)

    return give_photo


@pytest.fixture
def open_page(browser, server: AppServer):
    """Function from the window's (width, height) and the address's query to the opened page."""
    contexts = []

    def open_at(width: int = 1280, height: int = 900, query: str = ""):
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        context.set_default_timeout(WAIT_MILLISECONDS)
        page = context.new_page()
        page.goto(f"{server.url}/{query}")
        page.locator("#photo-answer .face").first.wait_for()
        return page

    yield open_at
    for context in contexts:
        context.close()


@pytest.fixture
def tab_opener(open_page, choose_tab):
    """Function from a tab's name, and what stands on it once it is there, to its opener.

    The opener takes the window's size and gives the page.
    """

    def opener(name: str, ready: str):
        def open_at(width: int = 1280, height: int = 900):
            page = open_page(width, height)
            choose_tab(page, name)
            page.locator(ready).wait_for(state="attached")
            return page

        return open_at

    return opener
