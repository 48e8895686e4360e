"""The page's server: a WSGI application over a `Gallery` or a `Plane`."""

import json
import math
import pathlib
import threading

from werkzeug import exceptions, routing, wrappers

_STATIC = pathlib.Path(__file__).with_name("static")
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
_LARGEST = 20_000_000  # bytes of a file that is given
_MAX_TEMPERATURE = 2.0
# Scripts, styles and pictures of the page's own only.
_POLICY = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"


class App:
    """Answers the page's requests, one computation at a time.

    Args:
      shown: A `Gallery` or a `Plane`.
      about: Dict of what the page says of the run.
      hosts: Names that the page may be asked for by, as a page elsewhere can give its own name this
        machine's address; None for any.
    """

    def __init__(self, shown, about, hosts=None):
        self._shown = shown
        self._about = about
        self._hosts = hosts
        self._lock = threading.Lock()
        paths = {
            "/": self._file,
            "/<any('explore.js', 'explore.css'):name>": self._file,
            "/api/about": self._tell,
            "/api/samples": self._samples,
            "/api/data": self._add,
            "/api/data/<name>": self._picture,
            "/api/between": self._between,
            "/api/score": self._score,
        }
        self._map = routing.Map(
            [
                routing.Rule(path, endpoint=view, methods=["POST" if view == self._add else "GET"])
                for path, view in paths.items()
            ]
        )

    def __call__(self, environ, start_response):
        request = wrappers.Request(environ)
        request.max_content_length = _LARGEST
        try:
            self._check_origin(request)
            view, arguments = self._map.bind_to_environ(environ).match()
            with self._lock:
                response = view(request, **arguments)
        except exceptions.HTTPException as error:
            response = _json({"error": error.description}, error.code)
        except ValueError as error:
            response = _json({"error": str(error)}, 400)
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response(environ, start_response)

    def _check_origin(self, request):
        host = request.host.rsplit(":", 1)[0]
        if self._hosts is not None and host not in self._hosts:
            raise exceptions.Forbidden(
                f"Expected a host of {', '.join(sorted(self._hosts))}. Received: {host!r}"
            )
        origin = request.headers.get("Origin")
        if origin is not None and origin.split("://")[-1] != request.host:
            raise exceptions.Forbidden(f"Expected the page's own origin. Received: {origin!r}")

    # What is answered.

    def _file(self, request, name="explore.html"):
        path = _STATIC / name
        return wrappers.Response(path.read_bytes(), mimetype=_TYPES[path.suffix])

    def _tell(self, request):
        flow, shelf = self._shown.flow, self._shown.shelf
        return _json(
            {
                **self._about,
                "kind": self._shown.kind,
                "event_shape": flow.event_shape,
                "classes": flow.classes,
                "calibrated": flow.calibration is not None,
                "max_temperature": _MAX_TEMPERATURE,
                "reach": getattr(self._shown, "reach", None),
                "examples": [{"name": n, "label": label} for n, label in shelf.examples],
            }
        )

    def _samples(self, request):
        temperature = _number(request, "temperature", float, 0.0, _MAX_TEMPERATURE)
        seed = _number(request, "seed", int, 0, 2**31 - 1)
        return _png(self._shown.samples(temperature, seed, 5, self._label(request)))

    def _picture(self, request, name):
        return _png(self._shown.picture(name))

    def _add(self, request):
        return _json({"name": self._shown.add(request.get_data())})

    def _between(self, request):
        ends = (_text(request, "first"), _text(request, "second"))
        fraction = _number(request, "fraction", float, 0.0, 1.0)
        return _png(self._shown.between(*ends, fraction, self._label(request)))

    def _score(self, request):
        values = self._shown.score(_text(request, "name"), self._label(request))
        return _json({k: v if math.isfinite(v) else None for k, v in values.items()})

    def _label(self, request):
        classes = self._shown.flow.classes
        return None if classes is None else _number(request, "label", int, 0, classes - 1)


def _text(request, name):
    if name not in request.args:
        raise ValueError(f"Expected {name} in the request. Received: none")
    return request.args[name]


def _number(request, name, kind, low, high):
    text = _text(request, name)
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ValueError(f"Expected {name} between {low:g} and {high:g}. Received: {name}={text!r}")
    return value


def _json(content, status=200):
    return wrappers.Response(json.dumps(content), status, mimetype="application/json")


def _png(content):
    return wrappers.Response(content, mimetype="image/png")
