# One end of the line between the tests and the program, each in a jail of its own: lines of JSON over two pipes. Plain
# values are copied, so that nothing of a program is left in what its tests look at; everything else stays where it is,
# and the other end has a handle of it.
import json
import sys

MOST_DEPTH = 200
PLAIN = (bool, int, float, str)


class Gone(Exception):  # noqa: N818 - it is no error
    """The other end has ended."""


class Peer:
    def __init__(self, reading, writing):
        self.reading = reading
        self.writing = writing
        self.kept = []
        sys.set_int_max_str_digits(0)

    def ask(self, message):
        """Say something, and give the answer; meanwhile the other end may ask in its turn."""
        self.say(message)
        while True:
            heard = self.hear()
            if "answer" in heard:
                return heard
            self.say(self.serve(heard))

    def serve_all(self):
        while True:
            try:
                heard = self.hear()
            except Gone:
                return
            self.say(self.serve(heard))

    def serve(self, message):
        raise NotImplementedError

    def say(self, message):
        try:
            self.writing.write(json.dumps(message).encode() + b"\n")
            self.writing.flush()
        except OSError:
            raise Gone("the program has ended") from None

    def hear(self):
        line = self.reading.readline()
        if not line.endswith(b"\n"):
            raise Gone("the program has ended")
        heard = json.loads(line)
        if not isinstance(heard, dict):
            raise Gone("the program wrote something else")
        return heard

    def keep(self, value):
        self.kept.append(value)
        return len(self.kept) - 1

    def pack(self, value, depth=0):
        """Write a value as JSON: what is plain as itself, containers by a letter, the rest as a handle."""
        if depth > MOST_DEPTH:
            raise ValueError("a value is nested too deep to be passed on")
        if value is None or type(value) in PLAIN:
            return value
        for kind, letter in ((list, "l"), (tuple, "t"), (set, "s"), (frozenset, "f")):
            if isinstance(value, kind):
                return {letter: [self.pack(one, depth + 1) for one in kind.__iter__(value)]}
        if isinstance(value, dict):
            return {"d": [[self.pack(k, depth + 1), self.pack(v, depth + 1)] for k, v in dict.items(value)]}
        if isinstance(value, (bytes, bytearray)):
            return {"b": bytes(value).hex()}
        for kind in PLAIN:
            if isinstance(value, kind):
                return kind.__new__(kind, value) if kind is not bool else bool(value)
        return self.pack_other(value)

    def unpack(self, packed, depth=0):
        """Read what `pack` wrote, by whoever it was written: plain values are made anew, of plain types."""
        if depth > MOST_DEPTH:
            raise ValueError("a value is nested too deep to be passed on")
        if not isinstance(packed, dict):
            if isinstance(packed, list):
                raise ValueError("no value that can be passed on")
            return packed
        ((letter, inside),) = packed.items()
        makers = {"l": list, "t": tuple, "s": set, "f": frozenset}
        if letter in makers:
            return makers[letter]([self.unpack(one, depth + 1) for one in inside])
        if letter == "d":
            return {self.unpack(k, depth + 1): self.unpack(v, depth + 1) for k, v in inside}
        if letter == "b":
            return bytes.fromhex(inside)
        return self.unpack_other(letter, inside)

    def pack_other(self, value):
        raise NotImplementedError

    def unpack_other(self, letter, inside):
        raise NotImplementedError
