"""What the clients refuse, and what they say when the server refuses or is not there."""

import io
import socket

import numpy as np
import pytest

from examples.serving import client, inputs
from tests.examples import stand_in

SHAPE = (4, 4, 1)
X = np.zeros((3, *SHAPE), np.float32)


def refused(ask, message, *arguments, arrays=None):
    with pytest.raises(client.ClientError, match=message):
        ask(*arguments, arrays=arrays, stream=io.StringIO())


WRONG = {
    "x of dtype float32. Received: x of dtype float64": {"x": X.astype(np.float64)},
    "x of dtype float32. .* x of dtype int32 .--signature=log_prob_integers": {"x": X.astype("i4")},
    # A float32 holds every one of these, but their density is not the integers'.
    "x of dtype float32. .* x of dtype uint8 .--signature=log_prob_integers": {"x": X.astype("u1")},
    r"x of shape \[rows, 4, 4, 1\]. Received: x of shape \[3, 4, 4\]": {"x": X[..., 0]},
    r"x of shape \[rows, 4, 4, 1\]. Received: x of shape \[3, 4, 4, 2\]": {"x": X.repeat(2, -1)},
    r"x of shape .* Received: x of shape \[\]": {"x": np.float32(1)},
    "the inputs x of log_prob. Received: y": {"y": X},
    "the inputs x of log_prob. Received: condition, x": {"x": X, "condition": X},
    "rows, as many in every input. Received: x with 0": {"x": X[:0]},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_inputs_are_named_and_never_sent(ask, model, message):
    refused(ask, message, arrays=WRONG[message])
    assert not model.sizes


def test_uneven_rows_are_named(ask):
    arrays = {"x1": X, "x2": X[:2], "fraction": np.zeros(3, np.float32)}
    message = "as many in every input. Received: .*x2 with 2"
    refused(ask, message, "--signature=interpolate", arrays=arrays)


def test_integers_that_do_not_fit_are_refused(ask):
    wide = {"x": X.astype(np.int64)}
    refused(
        ask, "x of dtype int32.*int64 .array.astype", "--signature=encode_integers", arrays=wide
    )
    floats = {"x": X}
    refused(ask, "x of dtype int32.*float32", "--signature=encode_integers", arrays=floats)


def test_an_unknown_signature_lists_those_there_are(ask):
    known = "anomaly_score, anomaly_score_integers, decode, .*, serving_default"
    refused(ask, f"one of {known}. Received: signature='draw'", "--signature=draw")


def test_an_unknown_model_is_named(ask):
    refused(ask, "a model of 127.0.0.1:.*model='glow': Servable not found", "--model=glow")


def test_a_server_that_is_not_there_is_named(ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ask.port = free.getsockname()[1]
    stream = io.StringIO()
    with pytest.raises(client.ClientError, match=f"answer within 0.5 s.*127.0.0.1:{ask.port} is"):
        ask("--timeout=0.5", stream=stream)
    assert stream.getvalue().count("trying for up to 0.5 s") == 1


def test_a_busy_server_is_asked_again(ask, model):
    model.busy = 2
    stream = io.StringIO()
    assert ask("--signature=sample", "--count=1", stream=stream)["x"].shape == (1, *SHAPE)
    assert "queue is full; trying" in stream.getvalue() and model.busy == 0
    model.busy = 1000
    refused(ask, "answer within 0.5 s. .*not available: .*queue", "--timeout=0.5")


def test_a_silent_server_is_named(ask):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ask.port = silent.getsockname()[1]
        refused(ask, f"answer within 0.5 s. .*127.0.0.1:{ask.port}", "--timeout=0.5")


@pytest.mark.parametrize("ask", ["rest"], indirect=True)
def test_what_is_no_rest_port_is_said(ask, served, monkeypatch):
    message = "127.0.0.1:.* to be the REST port of a TensorFlow server. Received: .*"
    monkeypatch.setattr(stand_in, "rest_answer", lambda *_: {"hello": "world"})
    refused(ask, f"{message}hello")
    ask.port = served[1]["grpc"]
    refused(ask, message)


def test_an_answer_of_other_rows_is_refused(ask, model, monkeypatch):
    monkeypatch.setattr(model, "predict", lambda *_: {"x": np.zeros((1, *SHAPE), np.float32)})
    refused(ask, "Expected 2 rows of x. Received: shapes", "--signature=sample", "--count=2")


def test_the_servers_own_refusals_are_passed_on(ask, model, monkeypatch):
    monkeypatch.setattr(inputs, "checked", lambda arrays, *_: arrays)
    refused(ask, "request that 127.0.0.1:.* takes.*(INVALID|400).*match", arrays={"y": X})


def test_an_output_that_cannot_be_written_is_named(ask, tmp_path):
    path = tmp_path / "x.npz"
    path.mkdir()
    draw = ("--signature=sample", "--count=1")
    refused(ask, "output to be writable.*x.npz", *draw, f"--output={path}")
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]


def test_flags_are_checked_before_anything_is_sent(ask, tmp_path):
    (tmp_path / "text.npy").write_text("none")
    np.save(tmp_path / "pickled.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "y.npz", y=X)
    file = f"--input=x={tmp_path / 'x.npy'}"
    for message, *arguments in [
        ("file of numbers.*text.npy", f"--input=x={tmp_path / 'text.npy'}"),
        ("file of numbers.*allow_pickle", f"--input=x={tmp_path / 'pickled.npy'}"),
        ("file of numbers.*No such file", f"--input=x={tmp_path / 'none.npy'}"),
        ("NAME=FILE", f"--input={tmp_path / 'x.npy'}"),
        ("an array x in the file.*y.npz", f"--input=x={tmp_path / 'y.npz'}"),
        ("each input once. Received: x again", file, file),
        ("output to end in .npz", file, f"--output={tmp_path / 'x.npy'}"),
        ("in a folder that exists", file, f"--output={tmp_path / 'none' / 'x.npz'}"),
        ("a version or a label", "--version=1", "--label=stable"),
        ("HOST:PORT. Received: server='here'", "--server=here"),
    ]:
        refused(ask, message, *arguments)
