"""The server itself: who is connected, what it is, how it is set."""

import datetime

import redis
from harness import IS_KV, check, equal, kv_only, raises, within

from connection import OPTIONS, SPOKEN, r


@check
def greetings():
    equal(r.ping(), True)
    equal(r.echo("text"), b"text")
    equal(r.select(0), True)
    raises(redis.ResponseError, "DB index is out of range", r.select, 1000)
    seconds, microseconds = r.time()
    within(seconds, 1_700_000_000, 1 << 34)
    within(microseconds, 0, 999_999)


@check
def hello():
    with redis.Redis(**OPTIONS, single_connection_client=True) as client:
        answer = client.execute_command("HELLO", SPOKEN)
        if isinstance(answer, list):
            answer = dict(zip(answer[::2], answer[1::2]))
        equal(answer[b"proto"], SPOKEN)
        equal(answer[b"server"], b"redis")
        equal(answer[b"mode"], b"standalone")
        equal(answer[b"role"], b"master")
        equal(answer[b"modules"], [])
        raises(redis.ResponseError, "NOPROTO unsupported protocol version", client.execute_command, "HELLO", "9")


@check
def clients_have_names_and_numbers():
    with redis.Redis(**OPTIONS, client_name="checker") as client:
        equal(client.client_getname() in ("checker", b"checker"), True, "the name given when connecting")
        equal(client.client_setname("other"), True)
        listed = [entry for entry in r.client_list() if entry["name"] == "other"]
        equal(len(listed), 1, "CLIENT LIST")
        equal(int(listed[0]["id"]), client.client_id())
        equal(client.client_info()["name"], "other")
        own = {key: listed[0][key] for key in ("db", "cmd") if key in listed[0]}
        equal(own["db"] in (0, "0"), True, "the database")
        raises(redis.ResponseError, "cannot contain spaces", client.client_setname, "a b")


@kv_only
def the_library_tells_its_name():
    with redis.Redis(**OPTIONS, client_name="teller") as client:
        client.ping()
        entry = next(entry for entry in r.client_list() if entry["name"] == "teller")
        equal((entry["lib-name"], entry["lib-ver"]), ("redis-py", redis.__version__))
        equal(client.client_no_touch("ON") in (True, "OK", b"OK"), True)


@check
def clients_are_killed():
    with redis.Redis(**OPTIONS, client_name="victim") as victim:
        number = victim.client_id()
        equal(r.client_kill_filter(_id=str(number)), 1)
        equal(victim.ping(), True, "the library connects again")
        equal(victim.client_id() != number, True, "over a new connection")
    raises(redis.ResponseError, "No such client", r.client_kill, "127.0.0.1:1")


@check
def information():
    info = r.info()
    for field in ("redis_version", "redis_mode", "tcp_port", "uptime_in_seconds", "connected_clients", "used_memory", "maxmemory", "maxmemory_policy", "total_commands_processed", "keyspace_hits", "role", "aof_enabled"):
        equal(field in info, True, field)
    equal(info["redis_mode"], "standalone")
    equal(info["tcp_port"], OPTIONS["port"])
    equal(info["role"], "master")
    equal("db0" in info, False, "an empty database is not listed")
    r.set("a", "1")
    r.set("b", "1", ex=1000)
    keyspace = r.info("keyspace")
    equal((keyspace["db0"]["keys"], keyspace["db0"]["expires"]), (2, 1))
    before = r.info("stats")
    r.get("a")
    r.get("none")
    after = r.info("stats")
    equal(after["keyspace_hits"] - before["keyspace_hits"], 1)
    equal(after["keyspace_misses"] - before["keyspace_misses"], 1)
    equal(set(r.info("server", "clients")) >= {"redis_version", "connected_clients"}, True, "two sections")
    if IS_KV:
        equal("kv_version" in r.info("server"), True, "kv_version")


@check
def configuration():
    equal(r.config_get("maxmemory"), {"maxmemory": "0"})
    equal("maxmemory-policy" in r.config_get("maxmemory*"), True, "a pattern")
    equal(r.config_get("no-such-setting"), {})
    found = r.config_get("maxmemory", "appendonly")
    equal(sorted(found), ["appendonly", "maxmemory"])
    raises(redis.ResponseError, "Unknown option or number of arguments for CONFIG SET", r.config_set, "no-such-setting", "1")
    equal(r.config_set("maxmemory", "1000mb"), True)
    equal(r.config_get("maxmemory"), {"maxmemory": "1048576000"})
    equal(r.config_set("maxmemory", "0"), True)
    equal(r.config_resetstat(), True)


@check
def the_commands_tell_about_themselves():
    equal(r.command_count() > 60, True, "COMMAND COUNT")
    names = {name.decode() if isinstance(name, bytes) else name for name in r.command_list()}
    equal({"get", "set", "incr", "scan", "config"} - names, set(), "COMMAND LIST")
    get = r.command()["get"]
    equal((get["name"], get["arity"], get["first_key_pos"], get["last_key_pos"], get["step_count"]), ("get", 2, 1, 1, 1))
    equal("readonly" in get["flags"], True, "flags of GET")
    first, second = r.execute_command("COMMAND INFO", "GET", "NOSUCH")
    equal((first[0], first[1], second), (b"get", 2, None), "COMMAND INFO")
    equal(r.command_getkeys("MSET", "a", "1", "b", "2") in (["a", "b"], [b"a", b"b"]), True, "COMMAND GETKEYS")
    docs = r.execute_command("COMMAND DOCS", "GET")
    equal(b"get" in docs, True, "COMMAND DOCS")


@check
def saving():
    equal(type(r.lastsave()), datetime.datetime)
    started = "Background append only file rewriting started"
    equal(r.bgrewriteaof() in (True, started, started.encode()), True, "BGREWRITEAOF")
    equal(r.slowlog_len() >= 0, True)
    equal(type(r.slowlog_get(10)), list)
    equal(r.slowlog_reset(), True)
    equal(r.wait(0, 1), 0)
    equal(type(r.memory_stats()), dict)


@check
def flushing():
    r.mset({"a": "1", "b": "2"})
    equal(r.flushdb(), True)
    equal(r.dbsize(), 0)
    r.set("a", "1")
    equal(r.flushall(asynchronous=True), True)
    equal(r.dbsize(), 0)


@kv_only
def what_kv_does_not_have_is_an_unknown_command():
    for command in (["LPUSH", "l", "1"], ["HSET", "h", "f", "1"], ["SUBSCRIBE", "c"], ["EVAL", "return 1", "0"]):
        raises(redis.ResponseError, f"unknown command '{command[0]}'", r.execute_command, *command)
