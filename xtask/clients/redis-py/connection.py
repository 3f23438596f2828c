"""How the checks connect: one client with the library's own defaults but for the protocol version."""

import argparse

import redis
from harness import address

_arguments = argparse.ArgumentParser()
_arguments.add_argument("--protocol", type=int, choices=[2, 3], help="the library's default when left out")
PROTOCOL = _arguments.parse_args().protocol

HOST, PORT = address("RESP")

#: What every client is made with.
OPTIONS = {"host": HOST, "port": PORT} | ({"protocol": PROTOCOL} if PROTOCOL else {})

#: The client that most checks use.
r = redis.Redis(**OPTIONS)

#: The protocol that is spoken: the library's default is 3.
SPOKEN = PROTOCOL or 3
