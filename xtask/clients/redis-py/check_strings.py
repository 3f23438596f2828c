"""Strings: whole, in parts, many at once, binary, compared."""

import hashlib
import warnings

import redis
from harness import check, equal, kv_only, raises

from connection import r

#: Every byte there is, and what a careless reader would stumble over.
BINARY = bytes(range(256)) + b"\r\n$5\r\nhello\r\n\0\0"


@check
def set_and_get():
    equal(r.set("k", "v"), True)
    equal(r.get("k"), b"v")
    equal(r.get("none"), None)
    equal(r.set("empty", ""), True)
    equal(r.get("empty"), b"")
    equal(r.set("k", "ü€"), True)
    equal(r.get("k"), "ü€".encode())


@check
def set_under_conditions():
    equal(r.set("k", "1", xx=True), None)
    equal(r.set("k", "1", nx=True), True)
    equal(r.set("k", "2", nx=True), None)
    equal(r.get("k"), b"1")
    equal(r.set("k", "3", xx=True), True)
    equal(r.set("k", "4", get=True), b"3")
    equal(r.set("k", "5", nx=True, get=True), b"4")
    equal(r.get("k"), b"4")
    equal(r.set("new", "1", get=True), None)
    equal(r.get("new"), b"1")
    equal(r.setnx("k", "6"), False)
    equal(r.setnx("k2", "6"), True)


@kv_only
def set_if_equal():
    warnings.filterwarnings("ignore", "Call to 'set' method with experimental usage")
    equal(r.set("k", "1", ifeq="0"), None)
    equal(r.get("k"), None)
    r.set("k", "1")
    equal(r.set("k", "2", ifeq="0"), None)
    equal(r.get("k"), b"1")
    equal(r.set("k", "2", ifeq="1"), True)
    equal(r.get("k"), b"2")


@check
def exchange():
    equal(r.getset("k", "1"), None)
    equal(r.getset("k", "2"), b"1")
    equal(r.getdel("k"), b"2")
    equal(r.getdel("k"), None)
    equal(r.exists("k"), 0)


@check
def parts():
    equal(r.append("k", "Hello"), 5)
    equal(r.append("k", " World"), 11)
    equal(r.strlen("k"), 11)
    equal(r.strlen("none"), 0)
    equal(r.getrange("k", 0, 4), b"Hello")
    equal(r.getrange("k", -5, -1), b"World")
    equal(r.getrange("k", 5, 100), b" World")
    equal(r.getrange("k", 4, 2), b"")
    equal(r.substr("k", 6, 7), b"Wo")
    equal(r.setrange("k", 6, "Redis"), 11)
    equal(r.get("k"), b"Hello Redis")
    equal(r.setrange("padded", 3, "x"), 4)
    equal(r.get("padded"), b"\0\0\0x")
    equal(r.setrange("none", 0, ""), 0)
    equal(r.exists("none"), 0)


@check
def many_at_once():
    equal(r.mset({"a": "1", "b": "2", b"\xff": b"\xfe"}), True)
    equal(r.mget("a", "none", b"\xff", "b"), [b"1", None, b"\xfe", b"2"])
    equal(r.msetnx({"c": "3", "a": "x"}), False)
    equal(r.mget(["a", "c"]), [b"1", None])
    equal(r.msetnx({"c": "3", "d": "4"}), True)
    equal(r.mget(["c", "d"]), [b"3", b"4"])


@check
def binary_keys_and_values():
    for key in (BINARY, b"\0", b"\r\n", b" ", b"*1\r\n"):
        equal(r.set(key, BINARY), True)
        equal(r.get(key), BINARY)
        equal(r.strlen(key), len(BINARY))
    equal(sorted(r.keys("*")), sorted([BINARY, b"\0", b"\r\n", b" ", b"*1\r\n"]))


@check
def big_values():
    for size in (1 << 20, 10 << 20):
        value = hashlib.shake_128(b"seed").digest(1 << 16) * (size >> 16)
        equal(len(value), size)
        equal(r.set("big", value), True)
        equal(r.strlen("big"), size)
        read = r.get("big")
        equal(hashlib.sha256(read).hexdigest(), hashlib.sha256(value).hexdigest(), f"{size} bytes")
        equal(r.getrange("big", size - 3, size), value[-3:])


@check
def longest_common_subsequence():
    r.mset({"a": "ohmytext", "b": "mynewtext"})
    equal(r.lcs("a", "b"), b"mytext")
    equal(r.lcs("a", "b", len=True), 6)
    # RESP2 answers with a flat list, RESP3 with a map; the library hands on what it got.
    answer = r.lcs("a", "b", idx=True, minmatchlen=4, withmatchlen=True)
    if isinstance(answer, list):
        answer = dict(zip(answer[::2], answer[1::2]))
    equal(answer, {b"matches": [[[4, 7], [5, 8], 4]], b"len": 6})


@check
def wrong_arguments_are_the_library_s_errors():
    raises(redis.ResponseError, "wrong number of arguments for 'get' command", r.execute_command, "GET")
    raises(redis.ResponseError, "syntax error", r.execute_command, "SET", "k", "v", "BOGUS")
    raises(redis.ResponseError, "offset is out of range", r.setrange, "k", -1, "v")
    error = raises(redis.ResponseError, "unknown command 'NOSUCH', with args beginning with: 'a'", r.execute_command, "NOSUCH", "a")
    equal(type(error), redis.ResponseError)
    # The connection is as good as before.
    equal(r.set("k", "v"), True)
