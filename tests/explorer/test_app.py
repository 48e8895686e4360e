"""The page's server, asked as a browser asks it, against the flow itself."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from werkzeug import test

from tests.explorer import runs
from trainers import explore


def client(folder, **options):
    """A client of the server's application; the server itself is closed at once."""
    server = explore.make_server(folder, **options)
    server.server_close()
    return test.Client(server.app)


def answer(asking, path, **arguments):
    response = asking.get(path, query_string=arguments)
    assert response.status_code == 200, response.text
    return (
        json.loads(response.text) if response.mimetype == "application/json" else _array(response)
    )


def _array(response):
    assert response.mimetype == "image/png"
    return np.asarray(Image.open(io.BytesIO(response.data)))


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def give(asking, content):
    response = asking.post("/api/data", data=content)
    assert response.status_code == 200, response.text
    return json.loads(response.text)["name"]


def shrunk(picture, shape=(8, 8)):
    """The gray values of a picture that was made larger, 0 to 16."""
    zoom = picture.shape[0] // shape[0]
    assert picture.shape == (shape[0] * zoom, shape[1] * zoom)
    return np.round(picture[zoom // 2 :: zoom, zoom // 2 :: zoom] * (16 / 255)).astype(int)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explore") / "digits"
    flow = runs.digits(folder)
    return flow, client(folder)


def test_about(digits):
    flow, asking = digits
    about = answer(asking, "/api/about")
    names = [{"name": f"example-{i}", "label": None} for i in range(24)]
    assert about.pop("examples") == names
    assert (about["run"], about["model"], about["dataset"]) == ("digits", "glow", "digits")
    assert (about["event_shape"], about["classes"], about["calibrated"]) == ([8, 8, 1], None, True)
    assert (about["kind"], about["source"]) == ("images", "examples of the test split")


def test_examples_are_the_test_splits(digits):
    _, asking = digits
    expected = runs.examples("digits")
    for i in (0, 23):
        shown = shrunk(answer(asking, f"/api/data/example-{i}"))
        np.testing.assert_array_equal(shown, expected[i, ..., 0])


def test_samples_are_the_flows(digits):
    flow, asking = digits
    picture = answer(asking, "/api/samples", temperature=0.7, seed=3)
    samples = flow.to_integers(flow.sample(25, 0.7, seed=3)).numpy()
    zoom = picture.shape[0] // 44  # 5 tiles with margins of a pixel, the last one left out
    tile = picture[9 * zoom : 17 * zoom, 18 * zoom : 26 * zoom]
    np.testing.assert_array_equal(shrunk(tile), samples[5 + 2, ..., 0])
    again = answer(asking, "/api/samples", temperature=0.7, seed=3)
    other = answer(asking, "/api/samples", temperature=0.7, seed=4)
    np.testing.assert_array_equal(picture, again)
    assert (picture != other).any()


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_between_two_encodings(digits, fraction):
    flow, asking = digits
    ends = {"first": "example-2", "second": "example-5"}
    shown = shrunk(answer(asking, "/api/between", fraction=fraction, **ends))
    z = flow.encode(runs.examples("digits")[[2, 5]].astype(np.float32) + 0.5).numpy()
    x = flow.decode((1 - fraction) * z[:1] + fraction * z[1:])
    np.testing.assert_array_equal(shown, flow.to_integers(x)[0, ..., 0])
    if fraction in (0.0, 1.0):
        end = runs.examples("digits")[5 if fraction else 2]
        np.testing.assert_array_equal(shown, end[..., 0])


def test_an_image_that_is_given(digits):
    flow, asking = digits
    digit = runs.examples("digits")[0, ..., 0].astype(int)
    gray = (digit * 255 / 16).round().astype(np.uint8)
    name = give(asking, png(gray.repeat(5, axis=0).repeat(5, axis=1)))
    np.testing.assert_array_equal(shrunk(answer(asking, f"/api/data/{name}")), digit)
    scores = answer(asking, "/api/score", name=name)
    expected = flow.anomaly_score(digit[None, ..., None])
    # The noise of integers is drawn anew.
    assert scores["log_prob"] == pytest.approx(float(expected["log_prob"][0]), rel=0.05)
    assert scores["bits_per_dim"] == pytest.approx(-scores["log_prob"] / (64 * np.log(2)))
    gap = abs(scores["log_prob"] - flow.calibration.mean)
    assert scores["typicality_gap"] == pytest.approx(gap, rel=1e-3)
    assert 0 < scores["p_value"] <= 1
    noise = np.random.default_rng(0).integers(0, 256, [8, 8]).astype(np.uint8)
    strange = answer(asking, "/api/score", name=give(asking, png(noise)))
    assert strange["log_prob"] != scores["log_prob"]


def test_what_was_given_long_ago_is_forgotten(digits):
    _, asking = digits
    black = png(np.zeros([8, 8], np.uint8))
    first = give(asking, black)
    for _ in range(64):
        give(asking, black)
    response = asking.get(f"/api/data/{first}")
    assert response.status_code == 400 and "given not too long ago" in response.text


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("samples", {"temperature": 2.1, "seed": 0}, "temperature between 0 and 2"),
        ("samples", {"temperature": "nan", "seed": 0}, "temperature between 0 and 2"),
        ("samples", {"temperature": 1}, "Expected seed in the request"),
        ("samples", {"temperature": 1, "seed": "1.5"}, "Received: seed='1.5'"),
        ("between", {"first": "example-0", "second": "x", "fraction": 0}, "Received: 'x'"),
        ("between", {"first": "example-0", "second": "example-1", "fraction": 2}, "fraction"),
        ("score", {"name": "example-99"}, "Received: 'example-99'"),
    ],
)
def test_what_is_refused(digits, path, arguments, message):
    response = digits[1].get(f"/api/{path}", query_string=arguments)
    assert response.status_code == 400 and message in json.loads(response.text)["error"]


def test_files_that_are_no_pictures(digits):
    _, asking = digits
    bomb = io.BytesIO()
    Image.new("1", (8000, 7000)).save(bomb, "PNG")
    for content in (b"", b"no picture", b"<svg/>", png(np.zeros([8, 8], np.uint8))[:40]):
        response = asking.post("/api/data", data=content)
        assert response.status_code == 400 and "Expected a picture of PNG" in response.text
    response = asking.post("/api/data", data=bomb.getvalue())
    assert response.status_code == 400 and "8000x7000 pixels" in response.text
    assert asking.post("/api/data", data=bytes(20_000_001)).status_code == 413


def test_strangers_pages_get_nothing(digits):
    _, asking = digits
    for headers in ({"Host": "elsewhere.example"}, {"Origin": "http://elsewhere.example"}):
        response = asking.get("/api/about", headers=headers)
        assert response.status_code == 403 and "elsewhere.example" in response.text
    assert asking.get("/api/about", headers={"Origin": "http://localhost"}).status_code == 200
    for path in ("/explorer.py", "/../app.py", "/static/explore.js", "/api/nothing"):
        assert asking.get(path).status_code == 404
    assert asking.post("/api/samples").status_code == 405


def test_the_page_and_its_files(digits):
    _, asking = digits
    for path, kind in (("/", "html"), ("/explore.js", "javascript"), ("/explore.css", "css")):
        response = asking.get(path)
        assert response.status_code == 200 and kind in response.mimetype
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]


def test_labels(tmp_path):
    flow = runs.digits(tmp_path / "run", classes=10)
    asking = client(tmp_path / "run")
    about = answer(asking, "/api/about")
    assert about["classes"] == 10 and about["examples"][3]["label"] in range(10)
    draw = {"temperature": 1.0, "seed": 1}
    pictures = [answer(asking, "/api/samples", **draw, label=label) for label in (2, 3)]
    assert (pictures[0] != pictures[1]).any()
    expected = flow.to_integers(flow.sample(25, 1.0, seed=1, condition=np.full(25, 3)))
    zoom = pictures[1].shape[0] // 44
    np.testing.assert_array_equal(shrunk(pictures[1][: 8 * zoom, : 8 * zoom]), expected[0, ..., 0])
    ends = {"first": "example-0", "second": "example-1", "fraction": 0}
    shown = shrunk(answer(asking, "/api/between", **ends, label=4))
    np.testing.assert_array_equal(shown, runs.examples("digits")[0, ..., 0])
    scores = [answer(asking, "/api/score", name="example-0", label=n) for n in range(10)]
    assert len({round(score["log_prob"], 1) for score in scores}) > 1
    response = asking.get("/api/samples", query_string={**draw, "label": 10})
    assert response.status_code == 400 and "label between 0 and 9" in response.text


def test_points(tmp_path):
    flow = runs.moons(tmp_path / "run")
    asking = client(tmp_path / "run")
    about = answer(asking, "/api/about")
    points = runs.examples("two_moons", num_points=100)
    assert about["kind"] == "points" and about["reach"] == pytest.approx(1.15 * abs(points).max())
    name = give(asking, b"[0.5, -0.25]")
    score = answer(asking, "/api/score", name=name)
    expected = float(flow.log_prob(np.array([[0.5, -0.25]], np.float32))[0])
    assert score == {
        "bits_per_dim": pytest.approx(-expected / (2 * np.log(2)), rel=1e-5),
        "log_prob": pytest.approx(expected, rel=1e-5),
    }
    marked = answer(asking, f"/api/data/{name}")
    # Cyan where the point is.
    x, y = ((np.array([0.5, -0.25]) / about["reach"] + 1) / 2 * 383).round().astype(int)
    assert tuple(marked[383 - y, x]) == (0, 255, 255)
    samples = answer(asking, "/api/samples", temperature=1.0, seed=0)
    assert 200 < (samples == 255).all(axis=-1).sum() < 4 * 1000 + 1
    ends = {"first": "example-0", "second": "example-1"}
    way = answer(asking, "/api/between", **ends, fraction=1.0)
    x, y = ((points[1] / about["reach"] + 1) / 2 * 383).round().astype(int)
    assert tuple(way[383 - y, x]) == (0, 255, 255)
    for content, message in ((b"[1]", "two finite"), (b"[NaN, 1]", "two finite"), (b"{", "JSON")):
        response = asking.post("/api/data", data=content)
        assert response.status_code == 400 and message in response.text


def test_a_dataset_that_is_not_here(tmp_path):
    flow = runs.absent(tmp_path / "run")
    asking = client(tmp_path / "run", data_dir=str(tmp_path))
    about = answer(asking, "/api/about")
    assert about["source"] == "samples of the model, as its dataset is not here"
    shown = shrunk(answer(asking, "/api/data/example-0"), (4, 4))
    expected = flow.to_integers(flow.sample(24, seed=0))[0, ..., 0]
    np.testing.assert_array_equal(shown, expected)
