# Answers what takes long to be read: a number of many digits, and then numbers that all have the same hash.
import gc
import os

import peer

MANY = b'{"answer": ' + b"9" * 300_000 + b"}\n"
ALIKE = b'{"answer": {"s": [' + b",".join(b"%d" % (((1 << 61) - 1) * n) for n in range(1, 10_000)) + b"]}}\n"

for thing in gc.get_objects():
    if isinstance(thing, peer.Peer):
        thing.writing.write(b'{"answer": {"h": [0, "module"]}}\n' + MANY + ALIKE)
        thing.writing.flush()
os._exit(0)
