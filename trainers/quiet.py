"""Keeps what libraries say about themselves out of the trainers' output; errors still show."""

import contextlib
import logging
import os
import re
import sys
import tempfile

# Lines of TensorFlow's C++ side that are no news: INFO, and the warning that introduces it.
_CHATTER = re.compile(
    rb"I\d{4} |WARNING: All log messages before absl::InitializeLog\(\)|To enable"
)


def import_tensorflow():
    """Imports TensorFlow without the INFO that its wheel prints whatever its log level is.

    TF_CPP_MIN_LOG_LEVEL=0 shows it.
    """
    # 3: without a GPU, the first operation reports that as an error. What fails, raises in Python.
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if level == "0" or "tensorflow" in sys.modules:
        return
    with _filtered_stderr():
        import tensorflow  # noqa: F401


def hush_python():
    """Raises the level of loggers whose remarks are no news here."""
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.WARNING)  # INFO about SavedModels
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # the replicas' devices, reductions
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its fonts, at the very first start


@contextlib.contextmanager
def _filtered_stderr():
    """Holds back all that is written to the process's stderr, then passes on what is no chatter."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not _CHATTER.match(line):
                    os.write(2, line)
