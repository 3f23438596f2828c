"""Connections: pipelines, pools, threads, tasks, and a server that comes back."""

import asyncio
import threading

import redis
import redis.asyncio
from harness import check, equal, kill, raises, start
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from connection import OPTIONS, r


@check
def pipelines_of_hundreds():
    with r.pipeline(transaction=False) as pipe:
        for number in range(800):
            pipe.set(f"k{number}", f"v{number}")
        equal(pipe.execute(), [True] * 800)
        for number in range(800):
            pipe.get(f"k{number}")
        equal(pipe.execute(), [f"v{number}".encode() for number in range(800)])
        for _ in range(500):
            pipe.incr("n")
        equal(pipe.execute(), list(range(1, 501)))


@check
def an_error_in_a_pipeline_leaves_the_others():
    with r.pipeline(transaction=False) as pipe:
        pipe.set("text", "x").incr("text").set("after", "1").execute_command("NOSUCH").get("after")
        answers = pipe.execute(raise_on_error=False)
    equal(answers[0], True)
    equal("not an integer" in str(answers[1]), True, "the error of INCR")
    equal(answers[2], True)
    equal("unknown command" in str(answers[3]), True, "the error of NOSUCH")
    equal(answers[4], b"1")


@check
def pipelines_of_big_values():
    value = bytes(range(256)) * 1024
    with r.pipeline(transaction=False) as pipe:
        for number in range(40):
            pipe.set(f"k{number}", value + str(number).encode())
        for number in range(40):
            pipe.get(f"k{number}")
        answers = pipe.execute()
    equal(answers[40:] == [value + str(number).encode() for number in range(40)], True, "40 values of 256 KiB")


@check
def threads_share_a_pool():
    pool = redis.BlockingConnectionPool(max_connections=4, timeout=60, **OPTIONS)
    client = redis.Redis(connection_pool=pool)
    failures = []

    def work(thread):
        try:
            for number in range(25):
                client.incr("shared")
                client.set(f"{thread}:{number}", number)
                equal(client.get(f"{thread}:{number}"), str(number).encode())
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.disconnect()
    equal(failures, [])
    equal(r.get("shared"), b"200")
    equal(r.dbsize(), 201)


@check
def tasks_share_a_pool():
    async def work(client, task):
        for number in range(20):
            await client.incr("shared")
            await client.set(f"{task}:{number}", number)
            equal(await client.get(f"{task}:{number}"), str(number).encode())

    async def together():
        pool = redis.asyncio.BlockingConnectionPool(max_connections=5, timeout=60, **OPTIONS)
        client = redis.asyncio.Redis(connection_pool=pool)
        await asyncio.gather(*(work(client, task) for task in range(10)))
        async with client.pipeline(transaction=False) as pipe:
            for number in range(300):
                pipe.echo(str(number))
            equal(await pipe.execute(), [str(number).encode() for number in range(300)])
        equal({key async for key in client.scan_iter("7:*")}, {f"7:{number}".encode() for number in range(20)})
        await client.aclose()
        await pool.disconnect()

    asyncio.run(together())
    equal(r.get("shared"), b"200")


@check
def text_instead_of_bytes():
    with redis.Redis(**OPTIONS, decode_responses=True) as client:
        client.set("ü", "€")
        equal(client.get("ü"), "€")
        equal(client.keys(), ["ü"])


@check
def a_server_that_comes_back():
    client = redis.Redis(**OPTIONS, retry=Retry(ConstantBackoff(0.05), 200))
    hasty = redis.Redis(**OPTIONS, retry=None)
    client.set("kept", "before")
    hasty.ping()
    kill()
    raises(redis.ConnectionError, "", hasty.ping)
    start()
    equal(client.get("kept"), b"before", "what was acknowledged is there")
    equal(client.set("kept", "after"), True)
    equal(hasty.get("kept"), b"after", "over a new connection")
    equal(r.ping(), True)
    client.close()
    hasty.close()


@check
def a_pool_outlives_the_server():
    pool = redis.ConnectionPool(**OPTIONS)
    client = redis.Redis(connection_pool=pool)
    held = [pool.get_connection() for _ in range(5)]
    for connection in held:
        pool.release(connection)
    kill()
    start()
    for number in range(10):
        equal(client.incr("n"), number + 1)
    pool.disconnect()
