"""redis-py against the server: every supported family of commands, exact answers."""

import redis

import harness
from connection import SPOKEN, r

try:
    import hiredis
except ImportError:
    hiredis = None

# What these list is checked.
import check_expiry  # noqa: F401
import check_keys  # noqa: F401
import check_numbers  # noqa: F401
import check_server  # noqa: F401
import check_strings  # noqa: F401
import check_transport  # noqa: F401

parser = f"hiredis {hiredis.__version__}" if hiredis else "its own parser"
harness.version(f"redis-py {redis.__version__} ({parser}, RESP{SPOKEN})")
harness.main(before_each=r.flushall)
