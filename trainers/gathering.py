"""Waits until all workers of a cluster are there, in a way that signals can end.

TensorFlow waits, too, but deaf to signals for as long as it takes.
"""

import contextlib
import selectors
import socket
import time

_TRY = 0.5  # seconds from one attempt to the next
# What a worker says, by its index and the number of workers, and what the first one answers.
_HELLO, _GO, _OTHER = b"tfflows worker %d of %d\n", b"go\n", b"another cluster\n"


def wait(addresses, index):
    """Returns when all workers have called it.

    Args:
      addresses: "host:port" of each, which must be free on its host, and is free afterwards.
      index: of this worker; the first has the others come to its address.

    Raises:
      ValueError: this worker's address is not free, or the first worker's cluster is another.
    """
    with _listening(addresses[index]) as server:
        if index == 0:
            _gather(server, len(addresses))
        else:
            while not _gone(addresses[0], _HELLO % (index, len(addresses))):
                time.sleep(_TRY)


def _listening(address):
    port = _split(address)[1]
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=dual)
    except OSError as error:
        raise ValueError(
            "Expected the address of this worker in TF_CONFIG to be free. "
            f"Received: {address!r}, {error.strerror}"
        ) from error


def _gather(server, count):
    """Accepts the others, and lets them go when all are there."""
    hellos = {_HELLO % (index, count): index for index in range(1, count)}
    there = {}
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        selector.register(server, selectors.EVENT_READ)
        while len(there) < count - 1:
            for key, _ in selector.select():
                if key.fileobj is server:
                    caller = stack.enter_context(server.accept()[0])
                    _watch(caller)
                    selector.register(caller, selectors.EVENT_READ)
                    continue
                caller = key.fileobj
                text = _received(caller)
                # One that is there already has ended, and may come again.
                there = {index: other for index, other in there.items() if other is not caller}
                if text in hellos:
                    there[hellos[text]] = caller
                else:
                    _send(caller, _OTHER if text.startswith(_HELLO[:8]) else b"")
                    selector.unregister(caller)
                    caller.close()
        for caller in there.values():
            _send(caller, _GO)


def _gone(address, hello):
    """Calls the first worker, if it is there, and returns whether it let this one go."""
    try:
        with socket.create_connection(_split(address), timeout=10 * _TRY) as connection:
            connection.sendall(hello)
            connection.settimeout(None)
            _watch(connection)
            answer = _received(connection)
    except OSError:  # it is not there yet
        return False
    if answer == _OTHER:
        raise ValueError(
            "Expected a TF_CONFIG with the first worker's cluster. Received: another number of "
            f"workers, {hello.decode().strip()!r}"
        )
    return answer == _GO


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


def _send(connection, text):
    with contextlib.suppress(OSError):  # it has ended since
        connection.sendall(text)


def _split(address):
    host, port = address.rsplit(":", 1)
    return host.strip("[]"), int(port)
