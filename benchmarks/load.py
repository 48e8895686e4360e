"""How much of the machine other processes took meanwhile; 0 where there is no /proc."""

import os
import pathlib
import time

_TICK = 0.01  # seconds, the unit of /proc
_PROC = pathlib.Path("/proc")


class Others:
    """Measures the share of all cores that processes other than this one and its children use."""

    def __init__(self):
        self._start = self._now()

    def share(self):
        """Returns the mean share since the last call, or since the beginning."""
        start, self._start = self._start, self._now()
        wall, busy, own = (b - a for a, b in zip(start, self._start, strict=True))
        share = (busy - own) / (max(wall, _TICK) * os.cpu_count())
        return round(min(max(share, 0.0), 1.0), 3)  # ticks are coarse

    def _now(self):
        return time.perf_counter(), *_busy_and_own()


def _busy_and_own():
    """Seconds that all processes, and this one and its children, have run."""
    try:
        user, nice, system, _, _, *interrupts = _fields(_PROC / "stat")[1:9]
    except OSError:
        return 0.0, 0.0
    busy = sum(map(int, [user, nice, system, *interrupts]))
    processes = (_fields(path) for path in _PROC.glob("[0-9]*/stat"))
    own = [p for p in processes if str(os.getpid()) in (p[:1] + p[3:4])]
    return busy * _TICK, sum(int(p[13]) + int(p[14]) for p in own) * _TICK


def _fields(path):
    """The fields of a file's first line; a process's name, which may hold blanks, is one."""
    try:
        line = path.read_text().split("\n", 1)[0]
    except (FileNotFoundError, ProcessLookupError):  # the process has ended
        return []
    before, bracket, after = line.rpartition(")")
    return [*before.split(" (", 1), *after.split()] if bracket else line.split()
