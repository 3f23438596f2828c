"""Numbers: counted up and down, with and without fractions, to the edges of 64 bits."""

import redis
from harness import check, equal, raises

from connection import r

MAX = (1 << 63) - 1


@check
def whole_numbers():
    equal(r.incr("n"), 1)
    equal(r.incrby("n", 41), 42)
    equal(r.decr("n"), 41)
    equal(r.decrby("n", 50), -9)
    equal(r.get("n"), b"-9")
    r.set("n", str(MAX))
    raises(redis.ResponseError, "increment or decrement would overflow", r.incr, "n")
    equal(r.get("n"), str(MAX).encode())
    equal(r.decrby("n", MAX), 0)


@check
def fractions():
    equal(r.incrbyfloat("f", 10.5), 10.5)
    equal(r.incrbyfloat("f", -0.25), 10.25)
    equal(r.get("f"), b"10.25")
    equal(r.incrbyfloat("f", 5.0e3), 5010.25)
    equal(r.get("f"), b"5010.25")


@check
def what_is_no_number():
    r.set("k", "text")
    for value in ("text", "1.5", " 1", "1 ", "", "9223372036854775808"):
        r.set("k", value)
        raises(redis.ResponseError, "value is not an integer or out of range", r.incr, "k")
        equal(r.get("k"), value.encode())
    r.set("k", "text")
    raises(redis.ResponseError, "value is not a valid float", r.incrbyfloat, "k", 1)
    raises(redis.ResponseError, "value is not an integer or out of range", r.execute_command, "INCRBY", "n", "x")
    equal(r.exists("n"), 0)
