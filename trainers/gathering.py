"""Waits until all workers of a cluster are there, in a way that signals can end.

TensorFlow waits, too, but deaf to signals for as long as it takes.
"""

import contextlib
import selectors
import socket
import time

_TRY = 0.5  # seconds from one attempt to the next
_HELLO, _GO = b"tfflows worker %d\n", b"go\n"


def wait(addresses, index):
    """Returns when all workers have called it.

    Args:
      addresses: "host:port" of each, which must be free on its host, and is free afterwards.
      index: of this worker; the first has the others come to its address.

    Raises:
      ValueError: this worker's address is not free.
    """
    with contextlib.ExitStack() as stack:
        if index == 0:
            _gather(addresses, stack)
        else:
            while not _gone(addresses[0], index):
                time.sleep(_TRY)


def _gather(addresses, stack):
    """Accepts the others, and lets them go when all are there."""
    server = stack.enter_context(socket.socket())
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("", _split(addresses[0])[1]))
    except OSError as error:
        raise ValueError(
            f"Expected the address of this worker to be free. Received: {addresses[0]!r}, "
            f"{error.strerror}"
        ) from error
    server.listen(len(addresses))
    selector = stack.enter_context(selectors.DefaultSelector())
    selector.register(server, selectors.EVENT_READ)
    there = {}
    while len(there) < len(addresses) - 1:
        for key, _ in selector.select():
            if key.fileobj is server:
                caller = stack.enter_context(server.accept()[0])
                _watch(caller)
                selector.register(caller, selectors.EVENT_READ)
                continue
            caller = key.fileobj
            text = _received(caller)
            for other in [i for i in there if there[i] is caller]:
                del there[other]  # it has ended, and may come again
            known = [i for i in range(1, len(addresses)) if text == _HELLO % i]
            if known:
                there[known[0]] = caller
            else:
                selector.unregister(caller)
    for caller in there.values():
        with contextlib.suppress(OSError):  # it has ended since: TensorFlow will say so
            caller.sendall(_GO)


def _gone(address, index):
    """Calls the first worker, if it is there, and returns whether it let this one go."""
    try:
        with socket.create_connection(_split(address), timeout=10 * _TRY) as connection:
            connection.sendall(_HELLO % index)
            connection.settimeout(None)
            _watch(connection)
            return _received(connection) == _GO
    except OSError:  # it is not there yet
        return False


def _watch(connection):
    """Has a connection end, too, when the other machine is lost without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT"):
        if hasattr(socket, name):  # by system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), 10)


def _received(connection):
    try:
        return connection.recv(64)
    except OSError:
        return b""


def _split(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)
