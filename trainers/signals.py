"""Signals that end a program: SIGTERM and Ctrl-C, once what it has done is saved."""

import contextlib
import os
import signal
import socket
import threading

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):
    """A run that was asked to stop, and has stopped where the message says.

    Attributes:
      status: exit code of a program that ends with it: 128 and the signal's number.
    """

    def __init__(self, number, where):
        super().__init__(f"stopped by {signal.Signals(number).name} {where}")
        self.status = 128 + number


class Stop:
    """Whether a run is asked to stop: by signals, or by anyone who calls `ask`, from any thread.

    Attributes:
      number: of the signal that asks, or None.
    """

    def __init__(self):
        self.number = None
        self._heeded = False
        self._lock = threading.Lock()

    def ask(self, number=signal.SIGTERM):
        """Asks; returns whether it is the first time and the run, having what to save, sees to it.

        If not, nothing is lost by ending the process at once.
        """
        with self._lock:
            first, self.number = self.number is None, self.number or number
            return first and self._heeded

    def heed(self, *, begin):
        """Called by a run that begins to look at `number` from step to step, or no longer does."""
        with self._lock:
            self._heeded = begin


@contextlib.contextmanager
def asking(name):
    """Context in which SIGTERM and SIGINT ask the `Stop` that it gives, in the main thread only.

    Where nobody sees to it, they end the process with a line on stderr; so does a second one. A
    signal that the process was started to ignore, as the shell does for jobs in the background, is
    ignored.

    Args:
      name: of the program.
    """
    stop = Stop()
    # Python's own handlers wait for the end of a call into TensorFlow, which may take minutes; the
    # bytes of this socket are there at once.
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    numbers = [n for n in _NUMBERS if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    thread = threading.Thread(target=_listen, args=(name, stop, reader), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        writer.close()
        thread.join()
        reader.close()


def install_again():
    """Puts the handlers back that TensorFlow replaces by its own when it joins a cluster."""
    if threading.current_thread() is threading.main_thread():
        for number in _NUMBERS:
            signal.signal(number, signal.getsignal(number))


def _listen(name, stop, reader):
    while numbers := reader.recv(1):
        if numbers[0] in _NUMBERS and not stop.ask(numbers[0]):
            line = (
                f"{name}: ended by {signal.Signals(numbers[0]).name} at once; the same command "
                "goes on from the last checkpoint\n"
            )
            os.write(2, line.encode())
            os._exit(128 + numbers[0])
