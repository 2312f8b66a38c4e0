"""The page of `python -m minigrad.teach`, in a real browser without a window: every number that it shows is minigrad's.

Skipped where Chromium or its driver is not installed (Debian: apt-get install chromium chromium-driver).
"""

import itertools
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

import minigrad
from minigrad import nn, teach
from minigrad.nn import functional as F
from minigrad.teach.__main__ import main
from minigrad.teach.arithmetic.explain import explain, explain_grad
from minigrad.teach.notation import number
from minigrad.teach.page import page as html

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
in_browser = pytest.mark.skipif(not (BROWSER and DRIVER), reason="the page is NOT TESTED: no chromium and chromedriver")

OPTIONS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
           "--disable-component-update --disable-sync --disable-dev-shm-usage --lang=en "
           # The page notes its setting in the address; the tests change it more often than a browser lets anybody.
           "--disable-ipc-flooding-protection").split()  # fmt: skip

READ = """
const text = (id) => document.getElementById(id).textContent.replace(/\\s+/g, " ").trim();
const all = (selector, under = document) => [...under.querySelectorAll(selector)];
const cell = (c) => c.querySelector("input")?.value ?? c.querySelector(".value").textContent;
const cells = (id) => all(`#${id} [role=row]`).map((row) => all("[role=gridcell]", row).map(cell));
const row = (n) => all(`#row tbody tr:nth-child(${n}) td`).map((c) => c.textContent);
const hidden = document.getElementById("matrix").hidden;
const frame = (id) => {  // in cells of the grid: top, left, height, width; null if it is hidden
    const box = all(`#${id} .frame`)[0].getBoundingClientRect(), c = all(`#${id} .cell`)[0].getBoundingClientRect();
    if (!box.width) return null;
    return [(box.y - c.y) / c.height, (box.x - c.x) / c.width, box.height / c.height, box.width / c.width];
};
return {x: cells("x"), k: cells("k"), y: cells("y"), g: cells("g"), flipped: cells("flipped"), dx: cells("dx"),
    sum: text("sum"), gradient: text("gradient"), row_sum: text("row-sum"), row_inputs: row(1), row_names: row(2),
    row: row(3), products: row(4), formula: all("#formula p").map((p) => p.textContent),
    padding: text("padding"), unused: text("unused"), code: document.getElementById("code").textContent, hidden,
    problem: all("#problem p")[0].textContent, says: all("#problem code")[0].textContent, flip: text("flip"),
    count: text("count"), later: all("#y .cell").map((c) => c.classList.contains("later")),
    matrix: all("#picture rect").length, taps: all("#x .tap").map((c) => c.querySelector(".weight").textContent),
    here: all("#y .here").map((c) => c.getAttribute("aria-label")), window: frame("x"), window_dx: frame("dx"),
    sizes: ["size-x", "size-k", "size-y", "size-m"].map(text)};
"""


class Page:
    """The page in a browser: go to a setting, read all that it shows."""

    def __init__(self, driver, path):
        self.driver, self.address = driver, path.as_uri()

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def open(self, hash=""):
        self.driver.get("about:blank")
        self.driver.get(self.address + hash)
        return self.read()

    def go(self, **setting):
        self.script("location.hash = arguments[0]; window.dispatchEvent(new Event('hashchange'))", address(**setting))
        return self.read()

    def read(self):
        return self.script(READ)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def press(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)
        return self.read()

    def size(self, width, height=900):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One browser for all tests, without a Selenium Manager that would look for one in the network."""
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    path = tmp_path_factory.mktemp("page") / "convolution.html"
    path.write_text(html(), encoding="utf-8")
    page = Page(driver, path)
    still = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}  # the frame jumps, it does not glide
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", still)
    page.open()
    yield page
    driver.quit()


@pytest.fixture
def page(browser):
    browser.size(1280)
    browser.go()
    yield browser
    assert [line["message"] for line in browser.driver.get_log("browser")] == []
    assert browser.script("return performance.getEntriesByType('resource').length") == 0


def address(**setting):
    """The part of the address that holds a setting."""

    def text(value):
        if isinstance(value, np.ndarray):
            return ";".join(",".join(repr(float(x)) for x in row) for row in value)
        return value if isinstance(value, str) else ",".join(map(str, value))

    return "#" + "&".join(f"{name}={text(value)}" for name, value in setting.items())


def sides(total, odd):
    less = total // 2
    return (total - less, less) if odd == "d2l" else (less, total - less)


class Expected:
    """What minigrad says of a setting, in float64."""

    def __init__(self, X, K, stride=(1, 1), total=(0, 0), dilation=(1, 1), mode="zeros", odd="torch", g=None):
        self.mode, self.stride, self.dilation = mode, stride, dilation
        self.pad = (*sides(total[1], odd), *sides(total[0], odd))
        self.x, self.k = (minigrad.from_numpy(np.array(a, float))[None, None].requires_grad_() for a in (X, K))
        self.y = self.run(self.k)
        self.g = minigrad.ones_like(self.y) if g is None else minigrad.from_numpy(g)[None, None]

    def padded(self):
        how = {} if self.mode == "zeros" else {"mode": self.mode}
        return F.pad(self.x, self.pad, **({"mode": "constant"} | how))

    def run(self, k):
        even = self.mode == "zeros" and self.pad[0] == self.pad[1] and self.pad[2] == self.pad[3]
        if even:  # the padding of conv2d itself
            return F.conv2d(self.x, k, stride=self.stride, padding=self.pad[::2][::-1], dilation=self.dilation)
        return F.conv2d(self.padded(), k, stride=self.stride, dilation=self.dilation)

    def texts(self, tensor):
        return [[number(v) for v in row] for row in tensor.detach().numpy().reshape(tensor.shape[-2:])]

    def input_grad(self):
        return minigrad.autograd.grad(self.y, self.x, self.g, retain_graph=True)[0]

    def matrix_row(self, i, j, k=None):
        """One row of the matrix is the gradient of one output cell with respect to the input."""
        y = self.y if k is None else self.run(k)
        return minigrad.autograd.grad(y[0, 0, i, j], self.x, retain_graph=True)[0].numpy().ravel()

    def names(self, i, j):
        """How often each kernel element stands in each place of that row, found with kernels of a single 1."""
        h, w = self.k.shape[2:]
        found = [[] for _ in range(self.x.numel())]
        for a, b in itertools.product(range(h), range(w)):
            one = np.zeros((1, 1, h, w))
            one[0, 0, a, b] = 1
            for q, times in enumerate(self.matrix_row(i, j, minigrad.from_numpy(one))):
                found[q] += [f"k{a}{b}"] * int(times)
        return [" + ".join(names) or "0" for names in found]


    def sum(self, i, j):
        """The text of teach.explain, of the padded input: a table says which element of X each of its cells is."""
        height, width = self.x.shape[2:]
        index = minigrad.arange(1.0, 1 + height * width).reshape(1, 1, height, width)
        index = F.pad(index, self.pad, mode={"zeros": "constant"}.get(self.mode, self.mode))[0, 0].int().tolist()

        def name(found):
            n = index[int(found[1])][int(found[2])] - 1
            return "0" if n < 0 else f"X[{n // width},{n % width}]"

        told = explain(F.conv2d, self.padded().detach(), self.k.detach(), stride=self.stride, dilation=self.dilation,
                       at=(0, 0, i, j))  # fmt: skip
        return re.sub(r"X\[(\d+),(\d+)\]", name, one_line(f"Y[{i},{j}]", told))

    def gradient(self, i, j):
        """The text of teach.explain_grad, for paddings that a layer can have."""
        layer = nn.Conv2d(1, 1, self.k.shape[2:], self.stride, self.pad[::2][::-1], self.dilation, bias=False,
                          padding_mode=self.mode, dtype=minigrad.float64)  # fmt: skip
        layer.weight.data[...] = self.k.detach()
        told = explain_grad(layer, self.x.detach(), at=(0, 0, i, j), grad=self.g)
        return one_line(f"dL/dX[{i},{j}]", told)


def one_line(head, told):
    return head + "".join(f" {sign} {text}" for sign, text in told.steps)


def settings():
    """Sizes, kernels, strides, dilations and paddings of all kinds, each with the next of the numbers."""
    draw = np.random.default_rng(0)
    cases = [  # input, kernel, stride, padding in total, dilation
        ((3, 3), (2, 2), (1, 1), (0, 0), (1, 1)), ((3, 3), (2, 2), (3, 2), (2, 2), (1, 1)),
        ((1, 1), (1, 1), (1, 1), (0, 0), (1, 1)), ((5, 4), (3, 2), (2, 1), (1, 3), (1, 2)),
        ((4, 6), (2, 3), (1, 3), (3, 2), (2, 2)), ((8, 8), (5, 5), (4, 3), (4, 6), (1, 1)),
        ((6, 8), (1, 2), (1, 1), (0, 0), (1, 1)), ((7, 5), (3, 3), (2, 2), (5, 3), (3, 2)),
        ((4, 4), (4, 1), (1, 4), (0, 4), (1, 3)),
    ]  # fmt: skip
    for n, (size, kernel, stride, total, dilation) in enumerate(cases):
        for mode, odd in itertools.product(("zeros", "replicate", "reflect"), ("torch", "d2l")):
            if mode != "zeros" and not any(total):
                continue
            if odd == "d2l" and (mode == "replicate" or not any(p % 2 for p in total)):
                continue
            X, K = draw.integers(-9, 10, size).astype(float), draw.integers(-9, 10, kernel).astype(float)
            if n % 2:
                X, K = X / 8, np.round(K / 7, 6)
            if n % 3 == 2:
                X *= 1000
            yield {"X": X, "K": K, "stride": stride, "total": total, "dilation": dilation, "mode": mode, "odd": odd}


def name(setting):
    sizes = {key: value.shape if isinstance(value, np.ndarray) else value for key, value in setting.items()}
    return " ".join(f"{key}={value}" for key, value in sizes.items())


@in_browser
def test_the_page_opens_with_the_first_example(page):
    seen = page.open()
    assert seen["x"] == [["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"]]
    assert seen["k"] == [["0", "1"], ["2", "3"]]
    assert seen["y"] == [["19", "25"], ["37", "43"]]
    assert page.go(at=(1, 1))["sum"] == ("Y[1,1] = X[1,1]·K[0,0] + X[1,2]·K[0,1] + X[2,1]·K[1,0] + X[2,2]·K[1,1] "
                                         "= 4·0 + 5·1 + 7·2 + 8·3 = 43")  # fmt: skip
    assert seen["gradient"].endswith("= 3·1 + 2·1 + 1·1 + 0·1 = 6")
    assert seen["flip"] == ("The weights, in the order of g: K[1,1], K[1,0], K[0,1], K[0,0]. That is K from its end to "
                            "its beginning: the kernel turned by 180° lies over g.")  # fmt: skip


@in_browser
@pytest.mark.parametrize("setting", list(settings()), ids=name)
def test_every_number_is_that_of_minigrad(page, setting):
    expected = Expected(**setting)
    rows, columns = expected.y.shape[2:]
    g = np.arange(1.0, 1 + rows * columns).reshape(rows, columns) % 5 - 2
    h, w = setting["X"].shape
    for at, chosen, grad in (((0, 0), (0, 0), None), ((rows // 2, columns // 2), (h // 2, w // 2), g)):
        given = {} if grad is None else {"g": grad}
        expected = Expected(**setting, **given)
        seen = page.go(**setting, at=at, chosen=chosen, **given)
        assert not seen["hidden"]
        inner = [[float(v) for v in row] for row in seen["x"]]
        np.testing.assert_allclose(inner, expected.padded().detach().numpy()[0, 0], rtol=1e-3)  # padding has 4 digits
        assert [[float(v) for v in row] for row in seen["k"]] == setting["K"].tolist()
        assert [[float(v) for v in row] for row in seen["g"]] == expected.g[0, 0].tolist()
        assert seen["y"] == expected.texts(expected.y)
        assert seen["dx"] == expected.texts(expected.input_grad())
        assert seen["flipped"] == expected.texts(expected.k.flip(2, 3))
        assert seen["sizes"][2] == f"{rows} × {columns}"
        assert [line.count(f"= {n}") for line, n in zip(seen["formula"], (rows, columns))] == [2, 2]
        assert seen["sum"] == expected.sum(*at)
        if not any(p % 2 for p in setting["total"]):
            assert seen["gradient"].removesuffix(": no window sees this cell") == expected.gradient(*chosen)
        check_marks(seen, setting, expected, at)
        assert seen["row"] == [number(v) for v in expected.matrix_row(*at)]
        assert seen["row_names"] == expected.names(*at)
        assert seen["row_inputs"] == [number(v) for v in setting["X"].ravel()]
        assert seen["row_sum"].endswith(f"= {number(expected.y[0, 0, at[0], at[1]].item())}")
        assert seen["products"] == [number(a * b) for a, b in zip(expected.matrix_row(*at), setting["X"].ravel())]
        check_code(seen, expected)


def check_marks(seen, setting, expected, at):
    """The window lies on as many cells as the kernel has, each with its weight; the matrix has its rectangles."""
    kernel = setting["K"].ravel()
    assert seen["taps"] == [f"×{number(v, 3)}" for v in kernel]
    assert [text.split(" ")[0] for text in seen["here"]] == [f"Y[{at[0]},{at[1]}]"]
    start, reach = ([n * m for n, m in zip(at, setting["stride"])],
                    [d * (n - 1) + 1 for d, n in zip(setting["dilation"], setting["K"].shape)])
    np.testing.assert_allclose(seen["window"], [*start, *reach], atol=0.1)
    first = [n - before for n, before in zip(start, expected.pad[2::-2])]  # the part of the window that lies on X
    top, end = np.maximum(first, 0), np.minimum(np.add(first, reach), setting["X"].shape)
    if (end > top).all():
        np.testing.assert_allclose(seen["window_dx"], [*top, *(end - top)], atol=0.1)
    else:
        assert seen["window_dx"] is None
    rows = [expected.names(i, j) for i, j in np.ndindex(expected.y.shape[2:])] if kernel.size <= 4 else None
    if rows:  # a rectangle for each place with a weight, one around all, one around the row of this step
        assert seen["matrix"] == 2 + sum(name != "0" for row in rows for name in row)


def check_code(seen, expected):
    """The Python of the page runs, and gives the numbers of the page."""
    names = {}
    exec(seen["code"], names)
    assert expected.texts(names["Y"]) == seen["y"]


@in_browser
@pytest.mark.parametrize("setting", [
    {"X": np.ones((3, 3)), "K": np.ones((4, 2))},
    {"X": np.ones((3, 3)), "K": np.ones((5, 2))},
    {"X": np.ones((3, 5)), "K": np.ones((2, 2)), "dilation": (3, 3), "stride": (2, 2)},
    {"X": np.ones((2, 5)), "K": np.ones((5, 5)), "total": (1, 3)},
    {"X": np.ones((2, 5)), "K": np.ones((5, 5)), "total": (2, 2), "mode": "replicate"},
    {"X": np.ones((3, 3)), "K": np.ones((2, 2)), "total": (6, 2), "mode": "reflect"},
    {"X": np.ones((5, 2)), "K": np.ones((2, 2)), "total": (3, 3), "mode": "reflect", "odd": "d2l"},
], ids=name)  # fmt: skip
def test_an_impossible_setting_teaches_in_place_of_numbers(page, setting):
    with pytest.raises(RuntimeError) as error:
        Expected(**setting)
    seen = page.go(**setting)
    assert seen["says"] == f"RuntimeError: {error.value}"
    assert seen["hidden"] and page.find("#problem").is_displayed() and not page.find("#y").is_displayed()
    assert ("look back" if setting.get("mode") == "reflect" else "does not fit") in seen["problem"]
    assert page.press(" ")["says"] == seen["says"]  # nothing to play
    assert not page.go(X=np.ones((3, 3)))["hidden"]


@in_browser
def test_numbers_are_written_as_python_writes_them(page):
    numbers = [0, -0.0, 43, 0.25, -1.5, 1.44e10, 1e-5, 0.0001, 12345, 9999.5, 99995, 2.0625, 2.1875, 0.00012345, 1 / 3,
               -2e-7, 1e100, 1234.5, 1235.5, 0.1 + 0.2, 123456789.0, 5e-324, 1e22]  # fmt: skip
    numbers += [*np.random.default_rng(1).standard_normal(200)]
    shown = page.script("return arguments[0].map((x) => number(x))", [float(x) for x in numbers])
    assert shown == [number(x) for x in numbers]


@in_browser
def test_keys_move_the_window_and_play(page):
    from selenium.webdriver.common.keys import Keys

    body = page.find("body")
    right, down, left, up = Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_UP
    for key, count in ((right, 2), (right, 2), (down, 4), (left, 3), (up, 1)):
        body.send_keys(key)
        assert page.read()["count"] == f"window {count} of 4"
    page.find("#first").click()
    assert page.read()["later"] == [False, True, True, True]
    page.find("#next").click()
    assert page.read()["later"] == [False, False, True, True]
    page.find("#back").click()
    assert page.read()["count"] == "window 1 of 4"
    page.script("document.activeElement.blur(); const s = document.getElementById('speed'); s.value = 4;"
                "s.dispatchEvent(new Event('input'))")
    body.send_keys(" ")
    assert page.find("#play").text == "Pause"
    body.send_keys(" ")
    assert page.find("#play").text == "Play" and page.read()["later"][-1]
    page.find("#play").click()
    deadline = time.monotonic() + 5
    while page.find("#play").text == "Pause" and time.monotonic() < deadline:
        time.sleep(0.05)
    seen = page.read()
    assert (seen["count"], seen["later"]) == ("window 4 of 4", [False] * 4)


@in_browser
def test_each_grid_is_one_stop_of_the_tab_key_and_its_arrows_go_from_cell_to_cell(page):
    from selenium.webdriver.common.keys import Keys

    page.open()
    stops = []
    for _ in range(16):
        page.press(Keys.TAB)
        stops.append(page.script("const e = document.activeElement; return e.id || e.closest('[id]').id"))
    assert [s for s in stops if s != "presets"][:8] == ["x", "k", "y", "first", "back", "play", "next", "speed"]
    page.find("#x input").click()
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert page.script("return document.activeElement.getAttribute('aria-label')") == "X[1,1]"
    seen = page.press("7")  # it is selected: what is typed takes its place
    assert seen["x"][1] == ["3", "7", "5"] and seen["y"] == [["28", "31"], ["40", "43"]]
    assert page.press(Keys.BACKSPACE)["y"] == [["7", "17"], ["33", "43"]]  # nothing counts as 0
    assert page.press(Keys.TAB)["x"][1] == ["3", "0", "5"]
    page.find("#y [tabindex='0']").click()
    page.press(Keys.ARROW_DOWN)
    assert page.press(Keys.ARROW_RIGHT)["count"] == "window 4 of 4"
    page.find("#dx [tabindex='0']").click()
    assert page.press(Keys.ARROW_LEFT)["gradient"].startswith("dL/dX[1,0] = K[1,0]·g[0,0] + K[0,0]·g[1,0]")
    page.find("#g input").click()
    assert page.press("5")["gradient"].endswith("= 2·5 + 0·1 = 10")
    page.find("#ones").click()
    assert page.read()["g"] == [["1", "1"], ["1", "1"]]


@in_browser
def test_sliders_presets_and_the_two_ways_to_say_padding(page):
    from selenium.webdriver.common.keys import Keys

    page.open()
    page.find("#n-1").send_keys(Keys.ARROW_RIGHT)
    seen = page.read()
    assert seen["x"][2] == ["8", "9", "10", "11"] and seen["y"] == [["24", "30", "36"], ["48", "54", "60"]]
    page.find("#presets button").click()
    for d in (0, 1):
        page.find(f"#total-{d}").send_keys(Keys.ARROW_RIGHT)
    seen = page.read()
    assert seen["y"] == [["0", "3", "8", "4"], ["9", "19", "25", "10"], ["21", "37", "43", "16"], ["6", "7", "8", "0"]]
    assert seen["padding"] == ("Rows: 1 above and 1 below; columns: 1 left and 1 right. "
                               "torch: padding=(1, 1); d2l: ph = 2, pw = 2.")
    page.find("[value=d2l][name=dialect]").click()
    page.find("#total-0").send_keys(Keys.ARROW_LEFT)
    seen = page.read()
    assert seen["padding"].startswith("Rows: 0 above and 1 below;") and "no number can say it" in seen["padding"]
    assert page.find("#odd").is_displayed()
    page.find("[value=d2l][name=odd]").click()
    assert page.read()["padding"].startswith("Rows: 1 above and 0 below;")
    page.find("[value=torch][name=dialect]").click()
    assert page.read()["padding"].endswith("torch: padding=(0, 1); d2l: ph = 0, pw = 2.")
    results = {}
    for button in page.driver.find_elements("css selector", "#presets button"):
        button.click()
        results[button.text] = page.read()
        assert button.get_attribute("aria-pressed") == "true"
    assert results["Stride"]["y"] == [["0", "8"], ["6", "8"]]
    assert results["Stride"]["unused"].endswith("no window reaches the last 1 column at the right.")
    assert results["Edge detector"]["y"] == [["0", "1", "0", "0", "0", "-1", "0"]] * 6
    assert results["Blur"]["y"][0] == ["1", "0.875", "0.125", "0", "0", "0.125", "0.875", "1"]
    assert results["Sobel"]["y"][2] == ["4", "4", "0", "-4", "-4"]
    assert all(not seen["hidden"] for seen in results.values())


@in_browser
def test_the_address_holds_the_setting(page):
    setting = {"X": np.array([[1.5, -2.0], [0.25, 3.0]]), "K": np.array([[2.0]]), "stride": (1, 2), "at": (1, 0)}
    first = page.go(**setting)
    kept = page.script("return location.hash")
    assert page.open(kept) == first and first["y"] == [["3"], ["0.5"]]
    for nonsense in ("#X=1,2;3", "#stride=0,1&dilation=x", "#mode=circular", "#X=&K=&g=1", "#at=99,99&chosen=9,9",
                     "#%%%", "#__proto__=1,1", "#K=" + "1," * 40 + "1"):  # fmt: skip
        page.script("location.hash = arguments[0]; window.dispatchEvent(new Event('hashchange'))", nonsense)
        seen = page.read()
        assert not seen["hidden"] and seen["k"] == [["0", "1"], ["2", "3"]]


@in_browser
@pytest.mark.parametrize("width", [360, 768])
def test_a_phone_needs_no_sideways_scrolling_and_a_finger_moves_the_window(page, width):
    page.size(width, 740)
    big = {"X": np.full((8, 8), -0.125), "K": np.full((5, 5), 1 / 3), "total": (8, 8), "mode": "replicate"}
    for setting in ({}, big, {"K": np.ones((5, 5))}):
        page.go(**setting)
        widths = page.script("return [document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= width and widths[1] == width, (setting, widths)
    page.go(at=(0, 0))
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        tap(page, "#y [aria-label^='Y[1,1]']")
        assert page.read()["count"] == "window 4 of 4"
        tap(page, "#dx [aria-label^='dL/dX[0,2]']")
        assert page.read()["gradient"].startswith("dL/dX[0,2]")
        tap(page, "#play")
        assert page.find("#play").text == "Pause"
        tap(page, "#play")
    finally:
        page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    smallest = page.script("return [...document.querySelectorAll('.transport button')].map((b) => b.offsetHeight)")
    assert min(smallest) >= 44  # of a finger


def tap(page, selector):
    page.script("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
    box = page.script("return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", selector)
    point = {"touchPoints": [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}]}
    page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", **point})
    page.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    time.sleep(0.05)


@in_browser
def test_everything_that_can_be_used_has_a_name_and_no_id_stands_twice(page):
    unnamed = page.script("""
        const named = (e) => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.closest("label");
        return [...document.querySelectorAll("button, input, [role=grid], section, [role=img]")].filter((e) =>
            !named(e) && !(e.tagName === "BUTTON" && e.textContent.trim())).map((e) => e.outerHTML)""")
    assert unnamed == []
    ids = page.script("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


@in_browser
def test_a_film_plays(page, tmp_path):
    pytest.importorskip("matplotlib")
    x, k = minigrad.arange(9.0).reshape(1, 1, 3, 3), minigrad.arange(4.0).reshape(1, 1, 2, 2)
    film = teach.animate(F.conv2d, x, k)
    film.SECONDS = 0.05
    film.save(tmp_path / "film.html")
    page.driver.get((tmp_path / "film.html").as_uri())
    try:
        shown = "return [...document.images].filter((i) => i.offsetHeight && i.naturalWidth).map((i) => i.alt)"
        assert page.script(shown) == [film.told[0].equation]
        page.find("input").send_keys("\ue014")  # an arrow to the right
        assert page.script(shown) == [film.told[1].equation]
        page.find("button").click()
        deadline = time.monotonic() + 5
        while page.find("button").text != "Play" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert page.script(shown) == [film.told[3].equation]
    finally:
        page.open()


# ---- the command, without a browser


def run(*arguments, **options):
    command = [sys.executable, "-m", "minigrad.teach", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize("opens", [True, False])
def test_the_command_opens_the_page(tmp_path, monkeypatch, capsys, opens):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or opens)
    main(["--output", str(tmp_path / "a page.html")])
    assert opened == [(tmp_path / "a page.html").as_uri()]
    assert ("open the file yourself" in capsys.readouterr().out) is not opens


def test_the_command_writes_one_file_and_says_where(tmp_path):
    process = run("--no-browser", cwd=tmp_path)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == f"wrote {tmp_path / 'convolution.html'}\n"
    text = (tmp_path / "convolution.html").read_text(encoding="utf-8")
    assert text == html() and text.startswith("<!DOCTYPE html>")
    assert not any(word in text for word in ("http", "//cdn", "@import", "fetch(", "url("))  # nothing from elsewhere
    assert run("--no-browser", "--output", str(tmp_path / "a.html")).stdout == f"wrote {tmp_path / 'a.html'}\n"


@pytest.mark.parametrize("output, words", [(".", "is a folder"), ("missing/x.html", "No such file or directory")])
def test_a_place_that_cannot_be_written_is_named_without_a_traceback(tmp_path, output, words):
    process = run("--no-browser", "--output", output, cwd=tmp_path)
    assert process.returncode == 2 and words in process.stderr and "--output" in process.stderr
    assert "Traceback" not in process.stderr and list(tmp_path.iterdir()) == []
