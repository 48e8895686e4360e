"""What the programs share: flags from the command line, errors in one line."""

import functools
import sys

from absl import app, flags

say = functools.partial(print, flush=True)


def main(define, run):
    """Defines a program's flags and runs it; its ValueErrors end it with their message."""
    others = set(flags.FLAGS)
    define()
    for name in set(flags.FLAGS) - others:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])  # for --help

    def command(arguments):
        try:
            if len(arguments) > 1:
                raise ValueError(f"Expected flags only. Received: {arguments[1]!r}")
            run()
        except ValueError as error:
            print(error, file=sys.stderr)
            sys.exit(1)

    app.run(command)


def check_names(flag, names, known):
    """Refuses a list of names with one that is not known, or there twice."""
    for name in names:
        if name not in known:
            raise ValueError(f"Expected {flag} of {', '.join(known)}. Received: {flag}={name!r}")
    if len(names) > len(set(names)):
        raise ValueError(f"Expected {flag}, each once. Received: {flag}={names!r}")
