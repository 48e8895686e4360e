"""Workers wait for each other, whatever calls in between; here they are threads."""

import concurrent.futures
import socket
import time

import pytest

from tests.workers import cluster
from trainers import gathering, strategies


@pytest.fixture
def addresses():
    return strategies.check_cluster(cluster.configs(3)[0])[0]


@pytest.fixture
def pool():
    """Threads, which are daemons in effect: a test that fails must not wait for them."""
    pool = concurrent.futures.ThreadPoolExecutor(3)
    yield pool
    pool.shutdown(wait=False, cancel_futures=True)


def test_all_go_when_all_are_there(addresses, pool):
    early = [pool.submit(gathering.wait, addresses, index) for index in (2, 0)]
    time.sleep(1.5)
    assert not any(future.done() for future in early)
    late = pool.submit(gathering.wait, addresses, 1)
    concurrent.futures.wait([*early, late], timeout=20)
    assert all(future.done() and future.exception() is None for future in (*early, late))
    gathering.wait(addresses[:1], 0)  # the port is free again


def test_others_that_call_do_not_count(addresses, pool):
    first = pool.submit(gathering.wait, addresses[:2], 0)
    place = gathering._split(addresses[0])
    strangers = (
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
        gathering._HELLO % (2, 2),
        gathering._HELLO % (0, 2),
    )
    for hello in strangers:
        for _ in range(50):  # until it listens
            try:
                with socket.create_connection(place) as stranger:
                    stranger.sendall(hello)
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        else:
            pytest.fail("nobody listens")
    time.sleep(0.5)
    assert not first.done()
    gathering.wait(addresses[:2], 1)
    assert first.result(timeout=20) is None


def test_a_worker_that_left_has_to_come_again(addresses, pool):
    first = pool.submit(gathering.wait, addresses, 0)
    time.sleep(0.5)
    with socket.create_connection(gathering._split(addresses[0])) as worker:
        worker.sendall(gathering._HELLO % (1, 3))
        time.sleep(0.3)
    second = pool.submit(gathering.wait, addresses, 2)
    time.sleep(1)
    assert not first.done() and not second.done()
    gathering.wait(addresses, 1)
    assert first.result(timeout=20) is None and second.result(timeout=20) is None


@pytest.mark.parametrize("index", [0, 1])
def test_an_address_in_use(addresses, index):
    with socket.socket() as other:
        other.bind(("127.0.0.1", gathering._split(addresses[index])[1]))
        other.listen()
        with pytest.raises(ValueError, match=f"to be free. Received: '{addresses[index]}', "):
            gathering.wait(addresses, index)


def test_another_cluster(addresses, pool):
    first = pool.submit(gathering.wait, addresses[:2], 0)
    with pytest.raises(ValueError, match="Received: another number of workers, .*worker 1 of 3'"):
        gathering.wait(addresses, 1)
    assert not first.done()
    gathering.wait(addresses[:2], 1)
    assert first.result(timeout=20) is None


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6")
def test_addresses_of_ipv6(addresses, pool):
    ports = [gathering._split(address)[1] for address in addresses]
    hosts = [f"[::1]:{port}" for port in ports]
    first = pool.submit(gathering.wait, hosts[:2], 0)
    gathering.wait(hosts[:2], 1)
    assert first.result(timeout=20) is None
