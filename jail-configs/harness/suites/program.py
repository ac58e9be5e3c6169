# Runs in the program's jail, in the program's place: does what the tests ask for, one thing after the other. The
# program shares this process and may do to it what it likes: the tests, and what they expect, are in another jail. What
# it writes is its own stderr; while it is called, what it writes to Python's stdout is passed on to the tests.
import importlib.util
import io
import json
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
BOX = os.path.dirname(HERE)

from peer import Peer  # noqa: E402 - beside this file


class Stub:
    """Something of the tests, which the program may call."""

    def __init__(self, peer, number):
        self._peer = peer
        self._number = number

    def __call__(self, *arguments, **named):
        asked = {"op": "back", "number": self._number, "arguments": self._peer.pack([list(arguments), named])}
        heard = self._peer.ask(asked)
        if "error" in heard:
            raise RuntimeError(str(heard["error"]))
        return self._peer.unpack(heard["answer"])


class Program(Peer):
    def __init__(self, reading, writing, entry):
        super().__init__(reading, writing)
        self.entry = entry
        self.classes = {}

    def serve(self, message):
        written, sys.stdout = sys.stdout, io.StringIO()
        arguments = []
        try:
            arguments = self.unpack(message["arguments"])
            answer = {"answer": self.pack(self.done(message["op"], arguments))}
        except BaseException as error:
            answer = {"answer": None, "error": self.pack_error(error)}
        finally:
            said, sys.stdout = sys.stdout, written
        try:
            answer["after"] = self.pack(arguments)
            if isinstance(said, io.StringIO) and said.getvalue():
                answer["said"] = said.getvalue()
                sys.stderr.write(said.getvalue())
            json.dumps(answer)
        except BaseException as error:
            answer = {"answer": None, "error": self.pack_error(error)}
        return answer

    def done(self, op, arguments):
        if op == "has":
            return self.spec(*arguments) is not None
        if op == "module":
            return Handle(self.module(*arguments))
        if op == "names":
            module = arguments[0]
            return list(getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")]))
        if op == "get":
            return getattr(*arguments)
        if op == "set":
            return setattr(*arguments)
        if op == "is":
            return isinstance(*arguments)
        if op == "call":
            target, positional, named = arguments
            returned = target(*positional, **named)
            if hasattr(returned, "__await__"):
                return waited(returned)
            return returned
        if op == "special":
            target, name, rest = arguments
            return special(target, name, rest)
        raise ValueError(op)

    def spec(self, name):
        path = name.replace(".", "/")
        for found in (f"{path}.py", f"{path}/__init__.py", *([self.entry] if name == "solution" else [])):
            if os.path.isfile(f"{BOX}/{found}"):
                return f"{BOX}/{found}"
        return None

    def module(self, name):
        path = self.spec(name)
        if path is None:
            raise ModuleNotFoundError(f"the program has no module {name}", name=name)
        if os.path.basename(path) != os.path.basename(self.entry) or name in sys.modules:
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    def pack_other(self, value):
        if isinstance(value, Handle):
            value = value.value
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"x": self.pack_class(value)}
        return {"h": [self.keep(value), type(value).__name__]}

    def unpack_other(self, letter, inside):
        if letter == "h":
            return self.kept[inside]
        if letter == "c":
            return Stub(self, inside)
        raise ValueError(letter)

    def pack_class(self, kind):
        if kind not in self.classes:
            self.classes[kind] = self.keep(kind)
        bases = [one.__name__ for one in kind.__mro__ if one.__module__ == "builtins"]
        parents = [self.pack_class(one) for one in kind.__bases__ if one.__module__ != "builtins"]
        return [self.classes[kind], kind.__name__, bases, parents]

    def pack_error(self, error):
        try:
            arguments = self.pack(list(error.args))
        except BaseException:
            arguments = {"l": [str(type(error))]}
        shown = "".join(traceback.format_exception(error, limit=-5))[-4000:]
        return [self.pack_class(type(error)), arguments, shown]


class Handle:
    """What is to stay here, whatever it is."""

    def __init__(self, value):
        self.value = value


def waited(returned):
    import asyncio

    async def wait():
        return await returned

    return asyncio.run(wait())


def special(target, name, rest):
    kind = type(target)
    if name == "__iter__":
        return Handle(iter(target))
    if name == "__next__":
        try:
            return [next(target)]
        except StopIteration:
            return []
    if name in ("__str__", "__repr__", "__len__", "__bool__", "__hash__"):
        return {"__str__": str, "__repr__": repr, "__len__": len, "__bool__": bool, "__hash__": hash}[name](target)
    if name == "__enter__":
        entered = kind.__enter__(target)
        return Handle(entered) if entered is target else entered
    method = getattr(kind, name, None)
    if method is None:
        return ["no"]
    found = method(target, *rest)
    return ["no"] if found is NotImplemented else ["yes", found]


def main():
    with open(HERE + "/call.json", encoding="ascii") as file:
        entry = json.load(file)["entry"]
    reading, writing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.path[0] = BOX
    Program(reading, writing, entry).serve_all()


main()
