"""Keys: found, counted, iterated, renamed, copied, dumped."""

import redis
from harness import check, equal, raises

from connection import r


@check
def existence():
    r.mset({"a": "1", "b": "2", "c": "3"})
    equal(r.exists("a", "b", "none", "a"), 3)
    equal(r.touch("a", "none"), 1)
    equal(r.type("a"), b"string")
    equal(r.type("none"), b"none")
    equal(r.dbsize(), 3)
    equal(r.delete("a", "none"), 1)
    equal(r.unlink("b", "c"), 2)
    equal(r.dbsize(), 0)
    equal(r.randomkey(), None)
    r.set("only", "1")
    equal(r.randomkey(), b"only")


@check
def keys_by_pattern():
    r.mset({name: "v" for name in ("hello", "hallo", "hxllo", "hllo", "heello", "h*llo", "other")})
    for pattern, found in {
        "h?llo": {b"hello", b"hallo", b"hxllo", b"h*llo"},
        "h*llo": {b"hello", b"hallo", b"hxllo", b"hllo", b"heello", b"h*llo"},
        "h[ae]llo": {b"hello", b"hallo"},
        "h[^e]llo": {b"hallo", b"hxllo", b"h*llo"},
        "h[a-f]llo": {b"hello", b"hallo"},
        "h\\*llo": {b"h*llo"},
        "nothing*": set(),
    }.items():
        equal(set(r.keys(pattern)), found, pattern)


@check
def scans_find_every_key():
    names = {f"key:{number}".encode() for number in range(2500)}
    r.mset({name: "v" for name in names})
    r.mset({f"other:{number}": "v" for number in range(500)})
    for count in (None, 1, 10, 100, 10_000):
        equal(set(r.scan_iter("key:*", count=count)), names, f"count {count}")
    equal(len(set(r.scan_iter())), 3000)
    equal(set(r.scan_iter("key:12?")), {f"key:12{digit}".encode() for digit in range(10)})
    equal(set(r.scan_iter("key:7", _type="string")), {b"key:7"})
    equal(list(r.scan_iter(_type="list")), [])
    cursor, page = r.scan(0, count=10)
    equal(type(cursor), int)
    equal(len(page) > 0 and cursor != 0, True, "a first page")


@check
def scans_find_what_stays_while_others_go():
    r.mset({f"stay:{number}": "v" for number in range(500)})
    r.mset({f"go:{number}": "v" for number in range(500)})
    found, gone = set(), 0
    for key in r.scan_iter(count=20):
        found.add(key)
        if gone < 500:
            r.delete(f"go:{gone}")
            gone += 1
    stayed = {key for key in found if key.startswith(b"stay:")}
    equal(len(stayed), 500)


@check
def rename_and_copy():
    r.set("a", "1", ex=1000)
    equal(r.rename("a", "b"), True)
    equal(r.exists("a"), 0)
    equal(r.get("b"), b"1")
    equal(r.ttl("b") > 900, True, "the expiry moves along")
    raises(redis.ResponseError, "no such key", r.rename, "none", "x")
    r.set("c", "3")
    equal(r.renamenx("b", "c"), False)
    equal(r.renamenx("b", "d"), True)
    equal(r.copy("c", "e"), True)
    equal(r.copy("c", "d"), False)
    equal(r.copy("c", "d", replace=True), True)
    equal(r.mget("c", "d", "e"), [b"3", b"3", b"3"])
    equal(r.ttl("d"), -1)
    equal(r.copy("none", "x"), False)


@check
def dump_and_restore():
    for value in (b"v", b"", b"12345", b"\0\r\n" * 1000, b"z" * 100_000):
        r.set("a", value)
        dumped = r.dump("a")
        equal(r.restore("b", 0, dumped, replace=True), b"OK")
        equal(r.get("b"), value)
    equal(r.ttl("b"), -1)
    equal(r.dump("none"), None)
    raises(redis.ResponseError, "BUSYKEY", r.restore, "b", 0, dumped)
    equal(r.restore("c", 100_000, dumped), b"OK")
    equal(90 < r.ttl("c") <= 100, True, "the expiry given")
    raises(redis.ResponseError, "DUMP payload version or checksum are wrong", r.restore, "d", 0, dumped[:-1] + b"?")
    equal(r.exists("d"), 0)


@check
def objects():
    r.set("number", "12345")
    r.set("short", "text")
    r.set("long", "x" * 100)
    equal(r.object("encoding", "number"), b"int")
    equal(r.object("encoding", "short"), b"embstr")
    equal(r.object("encoding", "long"), b"raw")
    equal(r.object("refcount", "long"), 1)
    equal(0 <= r.object("idletime", "long") < 60, True, "idle since it was written")
    equal(r.memory_usage("long") > 100, True, "memory of 100 bytes and a key")
    equal(r.memory_usage("none"), None)
