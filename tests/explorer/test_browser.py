"""The page in a real Chromium without a screen: what a click, a drag and a drop do."""

import shutil
import threading

import numpy as np
import pytest
from PIL import Image

from tests.explorer import runs
from trainers import explore

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="no chromium and chromedriver",
)
# Asks nobody for anything, which a machine without a network could not answer.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--window-size=1200,1000",
)
# A drop cannot be made by the driver from outside of the window: the page gets the event itself.
DROP = """
const canvas = document.createElement('canvas');
canvas.width = canvas.height = 8;
const done = arguments[arguments.length - 1];
canvas.toBlob((blob) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], 'black.png', {type: 'image/png'}));
  const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
  document.getElementById('drop').dispatchEvent(new DragEvent('drop', options));
  done();
});
"""
PIXELS = """
const image = document.getElementById(arguments[0]);
const canvas = document.createElement('canvas');
canvas.width = image.naturalWidth;
canvas.height = image.naturalHeight;
const context = canvas.getContext('2d');
context.drawImage(image, 0, 0);
return Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data);
"""


class Page:
    """The page of a run in a browser."""

    def __init__(self, driver, url):
        self.driver = driver
        driver.get(url)
        self.until(lambda: driver.execute_script("return document.body.dataset.ready") == "yes")

    def find(self, name):
        return self.driver.find_element("id", name)

    def until(self, condition):
        from selenium.webdriver.support import ui

        return ui.WebDriverWait(self.driver, 120).until(lambda _: condition())

    def pixels(self, name):
        """The red channel of an image of the page."""
        return np.array(self.driver.execute_script(PIXELS, name), int)[::4]

    def changed(self, name, act):
        """Does something, waits for the image to change, and returns its new pixels."""
        before = self.find(name).get_attribute("src")
        act()
        self.until(lambda: self.find(name).get_attribute("src") not in (None, before))
        self.until(
            lambda: self.driver.execute_script(
                "return document.getElementById(arguments[0]).complete", name
            )
        )
        return self.pixels(name)

    def slide(self, name, value):
        """Moves a slider, as dragging does."""
        self.driver.execute_script(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event('input'))",
            name,
            value,
        )

    def errors(self):
        """What the page's console has to say."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(60)
    yield driver
    driver.quit()


def served(folder):
    """A running server of the page, and its address."""
    server = explore.make_server(folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.fixture(scope="module")
def page(driver, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explore") / "digits"
    runs.digits(folder)
    server, url = served(folder)
    yield Page(driver, url)
    server.shutdown()
    server.server_close()


def test_a_click_draws_samples(page):
    page.until(lambda: page.find("samples").get_attribute("src"))
    seed = page.find("seed")
    first = page.changed("samples", page.find("draw").click)
    assert first.std() > 1
    seed.clear()
    seed.send_keys("7")
    other = page.changed("samples", page.find("draw").click)
    assert (first != other).any()


def test_temperature_is_a_slider(page):
    cold = page.changed("samples", lambda: page.slide("temperature", 0))
    assert page.find("temperature-value").text == "0.00"
    side = round(len(cold) ** 0.5)
    zoom = side // 44
    cold = cold.reshape(side, side)
    np.testing.assert_array_equal(cold[: 8 * zoom, : 8 * zoom], cold[-8 * zoom :, -8 * zoom :])
    warm = page.changed("samples", lambda: page.slide("temperature", 1.5)).reshape(side, side)
    assert (warm[: 8 * zoom, : 8 * zoom] != warm[-8 * zoom :, -8 * zoom :]).any()


def test_dragging_between_two_encodings(page):
    start = page.changed("between", lambda: page.slide("fraction", 0))
    end = page.changed("between", lambda: page.slide("fraction", 1))
    middle = page.changed("between", lambda: page.slide("fraction", 0.5))
    expected = runs.examples("digits")[:2, ..., 0].astype(int)
    for shown, digit in ((start, expected[0]), (end, expected[1])):
        side = round(len(shown) ** 0.5)
        zoom = side // 8
        small = shown.reshape(side, side)[zoom // 2 :: zoom, zoom // 2 :: zoom]
        np.testing.assert_array_equal((small * 16 / 255).round(), digit)
    assert (middle != start).any() and (middle != end).any()


def test_another_end_is_chosen_from_the_shelf(page):
    page.find("second-end").click()
    buttons = page.driver.find_elements("css selector", "#shelf button")
    page.changed("second", buttons[5].click)
    end = page.changed("between", lambda: page.slide("fraction", 1))
    side = round(len(end) ** 0.5)
    zoom = side // 8
    small = end.reshape(side, side)[zoom // 2 :: zoom, zoom // 2 :: zoom]
    np.testing.assert_array_equal((small * 16 / 255).round(), runs.examples("digits")[5, ..., 0])


def test_a_file_is_dropped_and_another_chosen(page, tmp_path):
    on_shelf = len(page.driver.find_elements("css selector", "#shelf button"))
    page.changed("given", lambda: page.driver.execute_async_script(DROP))
    assert not page.pixels("given").any()
    page.until(lambda: page.driver.find_elements("id", "p_value"))
    black = float(page.find("bits_per_dim").text)
    assert 0 < float(page.find("p_value").text) <= 1
    assert float(page.find("typicality_gap").text) >= 0
    Image.fromarray(np.full([20, 20], 255, np.uint8)).save(tmp_path / "white.png")
    page.changed("given", lambda: page.find("file").send_keys(str(tmp_path / "white.png")))
    assert (page.pixels("given") == 255).all()
    page.until(lambda: float(page.find("bits_per_dim").text) != black)
    page.until(
        lambda: len(page.driver.find_elements("css selector", "#shelf button")) == on_shelf + 2
    )


def test_a_file_that_is_no_picture_is_an_error_on_the_page(page, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    page.find("file").send_keys(str(tmp_path / "text.png"))
    page.until(lambda: "Expected a picture of PNG" in page.find("score-error").text)
    assert not page.driver.find_elements("id", "p_value")
    noted = page.errors()
    assert all("400" in text and "api/data" in text for text in noted), noted


def test_a_click_on_the_plane_tells_a_points_density(driver, tmp_path):
    runs.moons(tmp_path / "moons")
    server, url = served(tmp_path / "moons")
    try:
        page = Page(driver, url)
        page.changed("plane", page.find("plane").click)
        page.until(lambda: driver.find_elements("id", "log_prob"))
        assert np.isfinite(float(page.find("log_prob").text))
        assert page.errors() == []
    finally:
        server.shutdown()
        server.server_close()
