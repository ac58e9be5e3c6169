"""Ask a server for its answer: what programs in jails do in the tests of networks, and processes outside of them."""

import errno
import inspect
import socket


def ask(protocol: str, address: str, port: int, patience_s: float = 2.0, source: str = "") -> str:
    """Give the first word of what is answered, or the name of the error."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    try:
        with socket.socket(family, kind) as line:
            line.settimeout(patience_s)
            if source:
                line.bind((source, 0))
            line.connect((address, port))
            line.send(b"hi")
            return line.recv(99).decode().split()[0]
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "timeout")


ASK = f"import errno, json, os, socket, sys\n{inspect.getsource(ask)}"
"""The same as text for a program."""
