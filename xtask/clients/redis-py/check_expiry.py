"""Expiry: set, read, kept, removed, and the end of a key."""

import time

import redis
from harness import check, equal, raises, within

from connection import r

#: No test takes this long, in seconds; what is left of an expiry is judged with it.
SLACK = 60


@check
def set_with_an_expiry():
    equal(r.set("k", "v", ex=1000), True)
    within(r.ttl("k"), 1000 - SLACK, 1000)
    equal(r.set("k", "v", px=1_000_000), True)
    within(r.pttl("k"), (1000 - SLACK) * 1000, 1_000_000)
    equal(r.setex("k", 500, "v"), True)
    within(r.ttl("k"), 500 - SLACK, 500)
    equal(r.psetex("k", 300_000, "v"), True)
    within(r.ttl("k"), 300 - SLACK, 300)
    at = int(time.time()) + 5000
    equal(r.set("k", "v", exat=at), True)
    equal(r.expiretime("k"), at)
    equal(r.set("k", "v", pxat=at * 1000 + 7), True)
    equal(r.pexpiretime("k"), at * 1000 + 7)
    equal(r.set("k", "w", keepttl=True), True)
    equal(r.pexpiretime("k"), at * 1000 + 7)
    equal(r.set("k", "w"), True)
    equal(r.ttl("k"), -1)


@check
def change_an_expiry():
    equal(r.ttl("none"), -2)
    equal(r.pttl("none"), -2)
    equal(r.expiretime("none"), -2)
    equal(r.expire("none", 10), False)
    r.set("k", "v")
    equal(r.ttl("k"), -1)
    equal(r.pexpiretime("k"), -1)
    at = int(time.time()) + 5000
    equal(r.expireat("k", at), True)
    equal(r.expiretime("k"), at)
    equal(r.pexpireat("k", at * 1000 + 9), True)
    equal(r.pexpiretime("k"), at * 1000 + 9)
    equal(r.expire("k", 100), True)
    within(r.ttl("k"), 100 - SLACK, 100)
    equal(r.pexpire("k", 200_000), True)
    within(r.pttl("k"), (200 - SLACK) * 1000, 200_000)
    equal(r.persist("k"), True)
    equal(r.persist("k"), False)
    equal(r.ttl("k"), -1)


@check
def change_an_expiry_under_conditions():
    r.set("k", "v")
    equal(r.expire("k", 1000, xx=True), False)
    equal(r.expire("k", 1000, gt=True), False)
    equal(r.expire("k", 1000, nx=True), True)
    equal(r.expire("k", 2000, nx=True), False)
    equal(r.expire("k", 500, gt=True), False)
    equal(r.expire("k", 2000, gt=True), True)
    equal(r.expire("k", 3000, lt=True), False)
    equal(r.expire("k", 300, lt=True), True)
    within(r.ttl("k"), 300 - SLACK, 300)


@check
def read_and_change_an_expiry():
    r.set("k", "v")
    equal(r.getex("k", ex=100), b"v")
    within(r.ttl("k"), 100 - SLACK, 100)
    equal(r.getex("k"), b"v")
    within(r.ttl("k"), 100 - SLACK, 100)
    equal(r.getex("k", persist=True), b"v")
    equal(r.ttl("k"), -1)
    equal(r.getex("none", ex=5), None)


@check
def keys_end():
    r.set("past", "v")
    equal(r.expire("past", -1), True)
    equal(r.exists("past"), 0)
    equal(r.set("soon", "v", px=30), True)
    limit = time.monotonic() + SLACK
    while (left := r.pttl("soon")) != -2:
        within(left, 0, 30)
        equal(time.monotonic() < limit, True, "the key lives on")
    equal(r.get("soon"), None)
    equal(r.dbsize(), 0)


@check
def wrong_expiries():
    raises(redis.ResponseError, "invalid expire time in 'set' command", r.set, "k", "v", ex=0)
    raises(redis.ResponseError, "invalid expire time in 'setex' command", r.setex, "k", -1, "v")
    raises(redis.ResponseError, "value is not an integer or out of range", r.execute_command, "EXPIRE", "k", "x")
    raises(redis.ResponseError, "not compatible", r.execute_command, "EXPIRE", "k", "10", "NX", "XX")
    equal(r.exists("k"), 0)
