"""What the Python checks share: checks that are listed and counted, and the way to the program that runs them.

A script talks to `cargo xtask clients` by its standard streams. It prints `@kill` or `@start` to have the
server killed (as by `kill -9`) or started again on the same addresses, and then reads the line `done`;
`@version TEXT` tells what it is that was tried. All else that it prints is shown. The environment says where
the server is: KV_CLIENTS_RESP, _GRPC, _HTTP and _ADMIN hold `HOST:PORT`, KV_CLIENTS_SERVER `kv` or `redis`;
KV_CLIENTS_SECONDS says how long a check goes on that could go on for ever.
"""

import os
import sys
import traceback

#: Whether the server is kv; else it is Redis, against which the checks themselves are proved.
IS_KV = os.environ["KV_CLIENTS_SERVER"] == "kv"

_checks = []


def address(protocol):
    """Host and port of a listener, for example of `RESP`."""
    host, _, port = os.environ[f"KV_CLIENTS_{protocol}"].rpartition(":")
    return host, int(port)


def check(function):
    """Lists a function as a check; its name is shown when it fails."""
    _checks.append(function)
    return function


def kv_only(function):
    """Lists a check of what Redis 7.0 does not have."""
    return check(function) if IS_KV else function


def equal(actual, expected, what=""):
    """Fails unless both are equal, of one type too: 1, True and 1.0 differ."""
    if type(actual) is not type(expected) or actual != expected:
        raise AssertionError(f"{what}\n    expected {_short(expected)}\n    got      {_short(actual)}")


def within(actual, low, high, what=""):
    """Fails unless `low <= actual <= high`."""
    if not low <= actual <= high:
        raise AssertionError(f"{what}\n    expected {low} to {high}\n    got      {_short(actual)}")


def raises(kinds, text, function, *args, **options):
    """Fails unless the call raises one of `kinds`, with `text` in its message."""
    try:
        answer = function(*args, **options)
    except kinds as error:
        if text not in str(error):
            raise AssertionError(f"\n    expected an error with {text!r}\n    got      {error!r}") from error
        return error
    raise AssertionError(f"\n    expected an error with {text!r}\n    got      {_short(answer)}")


def _short(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}… ({len(text)} characters)"


def kill():
    """Kills the server as `kill -9` does."""
    _tell("@kill")


def start():
    """Starts the killed server again, on the same addresses and data, and waits until it is ready."""
    _tell("@start")


def _tell(order):
    print(order, flush=True)
    if sys.stdin.readline() != "done\n":
        raise SystemExit(f"the runner did not carry out {order}")


def version(text):
    """Tells what software was tried."""
    print(f"@version {text}", flush=True)


def main(before_each):
    """Runs all checks, those after a failed one too, and ends the process."""
    failed = 0
    for function in _checks:
        name = function.__name__
        try:
            before_each()
            function()
        except Exception as error:
            failed += 1
            frame = traceback.extract_tb(error.__traceback__)
            place = next((f for f in reversed(frame) if "harness" not in f.filename), frame[-1])
            detail = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            print(f"FAILED {name} at {os.path.basename(place.filename)}:{place.lineno}: {place.line}{detail and ' ' + detail}")
    print(f"{len(_checks) - failed} of {len(_checks)} checks passed", flush=True)
    raise SystemExit(1 if failed else 0)
