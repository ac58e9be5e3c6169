# Runs in the tests' jail, which holds nothing of the program: runs one test function, and says what became of it by its
# exit code (42 it passed, 43 it did not), as interactors do. Who imports a module that is not there is given one of the
# program's, in the other jail: every use of it is a question over the line, and what comes back is a plain value, made
# here, or a handle. A test has passed only if pytest in this process says so.
import builtins
import importlib.abc
import importlib.machinery
import operator
import os
import resource
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
PASSED, FAILED = 42, 43
MOST_SAID = 4000
# Less than the jail allows, so that somebody is there to say that a test did not pass for which it was too little.
MOST_CPU_S = 50
MOST_MEMORY_BYTES = 1536 << 20

from peer import Peer  # noqa: E402 - beside this file


class ProgramError(Exception):
    """What the program raised, where that is no exception that tests can have to do with."""


class Tests(Peer):
    def __init__(self, reading, writing):
        super().__init__(reading, writing)
        self.classes = {}
        self.gone = False

    def do(self, op, *arguments):
        """Have the program do something. Raises what it raised."""
        heard = self.ask({"op": op, "arguments": self.pack(list(arguments))})
        if isinstance(heard.get("said"), str):
            sys.stdout.write(heard["said"])
        if "after" in heard:
            changed(list(arguments), self.unpack(heard["after"]))
        if "error" in heard:
            raise self.unpack_error(*heard["error"])
        return self.unpack(heard["answer"])

    def serve(self, message):
        """Call what a test gave to the program."""
        try:
            positional, named = self.unpack(message["arguments"])
            return {"answer": self.pack(self.kept[message["number"]](*positional, **named))}
        except Exception as error:
            return {"answer": None, "error": f"{type(error).__name__}: {error}"}

    def pack_other(self, value):
        if isinstance(value, Remote):
            return {"h": object.__getattribute__(value, "_number")}
        if isinstance(value, type) and value in self.classes.values():
            return {"h": next(number for number, kind in self.classes.items() if kind is value)}
        if isinstance(value, ProgramModule):
            return {"h": value.__dict__["_number"]}
        if callable(value):
            return {"c": self.keep(value)}
        raise TypeError(f"{type(value).__name__} cannot be passed to the program: pass plain values, or functions")

    def unpack_other(self, letter, inside):
        if letter == "h":
            number, name = inside
            return Remote(self, int(number), str(name))
        if letter == "x":
            return self.unpack_class(*inside)
        raise ValueError("no value that can be passed on")

    def unpack_class(self, number, name, bases, parents):
        """Make a class of exceptions like one of the program's, below the builtin one that it is of."""
        if number not in self.classes:
            known = [getattr(builtins, str(base), None) for base in bases]
            own = next((one for one in known if isinstance(one, type) and issubclass(one, BaseException)), Exception)
            if not issubclass(own, (Exception, SystemExit)):
                own = ProgramError
            if str(name) == own.__name__ and not parents:
                self.classes[number] = own
            else:
                above = tuple(self.unpack_class(*one) for one in parents) or (own,)
                self.classes[number] = type(str(name), above, {})
        return self.classes[number]

    def unpack_error(self, kind, arguments, shown):
        error = self.unpack_class(*kind)(*self.unpack(arguments))
        error.add_note("in the program:\n" + str(shown))
        return error


def changed(before, after):
    """Do to lists, sets and dicts that were passed what the program did to its copies of them."""
    if not isinstance(after, list) or len(after) != len(before):
        return
    for old, new in zip(before, after, strict=True):
        if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and len(old) == len(new):
            changed(old, list(new))
        if type(old) is not type(new) or not isinstance(old, (list, set, dict)):
            continue
        if isinstance(old, list):
            if len(old) != len(new) or any(a is not b and not same_plain(a, b) for a, b in zip(old, new, strict=True)):
                old[:] = new
        elif old != new:
            old.clear()
            old.update(new)


def same_plain(a, b):
    return type(a) is type(b) and not isinstance(a, Remote) and a == b


def asking(name):
    def special(self, *rest):
        return peer_of(self).do("special", self, name, list(rest))

    return special


def trying(name):
    def special(self, *rest):
        found = peer_of(self).do("special", self, name, list(rest))
        if found == ["no"]:
            raise TypeError(f"{object.__getattribute__(self, '_kind')} has no {name}")
        return found[1]

    return special


def between(name):
    """An operator: two things of the program's are the program's affair, but no plain value is told to it."""

    def special(self, *rest):
        if not all(isinstance(one, Remote) for one in rest):
            return NotImplemented
        found = peer_of(self).do("special", self, name, list(rest))
        return NotImplemented if found == ["no"] else found[1]

    return special


def peer_of(remote):
    return object.__getattribute__(remote, "_peer")


class Remote:
    """Something of the program's that is no plain value."""

    def __init__(self, peer, number, kind):
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_kind", kind)

    def __getattr__(self, name):
        return peer_of(self).do("get", self, name)

    def __setattr__(self, name, value):
        peer_of(self).do("set", self, name, value)

    def __call__(self, *positional, **named):
        return peer_of(self).do("call", self, list(positional), named)

    def __instancecheck__(self, instance):
        return isinstance(instance, Remote) and bool(peer_of(self).do("is", instance, self))

    def __next__(self):
        found = peer_of(self).do("special", self, "__next__", [])
        if found == []:
            raise StopIteration
        return found[0]

    def __bool__(self):
        return peer_of(self).do("special", self, "__bool__", []) is True

    def __len__(self):
        return operator.index(peer_of(self).do("special", self, "__len__", []))

    def __str__(self):
        return str(peer_of(self).do("special", self, "__str__", []))

    def __repr__(self):
        return str(peer_of(self).do("special", self, "__repr__", []))

    def __hash__(self):
        return hash(peer_of(self).do("special", self, "__hash__", []))

    def __contains__(self, value):
        found = peer_of(self).do("special", self, "__contains__", [value])
        return any(one is value or same_plain(one, value) for one in self) if found == ["no"] else bool(found[1])

    def __exit__(self, kind, error, trace):
        return bool(peer_of(self).do("special", self, "__exit__", [None, None, None])[1:] == [True])

    __iter__ = asking("__iter__")
    __enter__ = asking("__enter__")
    for _name in ("__getitem__", "__setitem__", "__delitem__"):
        locals()[_name] = trying(_name)
    for _name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
        locals()[f"__{_name}__"] = between(f"__{_name}__")
    for _name in ("and", "or", "xor", "matmul", "neg", "abs"):
        locals()[f"__{_name}__"] = between(f"__{_name}__")
    del _name


class ProgramModule(types.ModuleType):
    """A module of the program's."""

    def __getattr__(self, name):
        if name == "__all__":
            return harmless([str(one) for one in self.__dict__["_peer"].do("names", self)])
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__["_peer"].do("get", self, name)


def harmless(names):
    """Leave out what `import *` would replace of the importing module, whose words its tests are written in.

    Raises ImportError for a builtin that the module uses: nobody could say which one it means.
    """
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("importlib"):
        frame = frame.f_back
    if frame is None:
        return names
    meant = used(frame.f_code) & set(dir(builtins)) & set(names)
    if meant:
        raise ImportError(f"import * would replace {', '.join(sorted(meant))}: import by name, or name it otherwise")
    return [name for name in names if name not in frame.f_globals]


def used(code):
    """Every name in some code, and in what is defined there."""
    found = set(code.co_names)
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            found |= used(one)
    return found


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds, last of all, the modules of the program."""

    def __init__(self, peer):
        self.peer = peer

    def find_spec(self, name, path=None, target=None):
        known = name.partition(".")[0] in sys.stdlib_module_names
        if known or name.startswith("_") or self.peer.do("has", name) is not True:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = ProgramModule(spec.name)
        found = self.peer.do("module", spec.name)
        module.__dict__.update(_peer=self.peer, _number=object.__getattribute__(found, "_number"))
        return module

    def exec_module(self, module):
        module.__path__ = []


class Watcher:
    """Hears from pytest what became of each part of each test."""

    def __init__(self):
        self.collected = 0
        self.passed = 0
        self.said = []

    def pytest_collection_finish(self, session):
        self.collected = len(session.items)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.outcome == "passed" and not hasattr(report, "wasxfail"):
            self.passed += 1
        elif report.outcome != "passed":
            self.note(report)

    def pytest_collectreport(self, report):
        if report.outcome != "passed":
            self.note(report)

    def note(self, report):
        crash = getattr(report.longrepr, "reprcrash", None)
        self.said.append(str(crash.message if crash is not None else report.longrepr))


def guarded(compare):
    """`assertSetEqual` asks one of the two what is not in the other: no stand-in is to be told what is right."""

    def equal(self, first, second, msg=None):
        if isinstance(first, Remote) or isinstance(second, Remote):
            self.fail("what the program gave is no set")
        compare(self, first, second, msg)

    return equal


def main():
    """Have the test judged in a child: what the program says of it may be too much to be read in any time and room."""
    child = os.fork()
    if child == 0:
        judge()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        tell(sys.argv[3], f"the test did not run to its end (signal {-code})")
    os._exit(FAILED if code < 0 else code)


def tell(feedback, said):
    for name in ("teammessage.txt", "judgemessage.txt"):
        with open(os.path.join(feedback, name), "w", encoding="utf-8", errors="replace") as file:
            file.write(said[:MOST_SAID])


def judge():
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    reading, writing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.dup2(2, 1)
    with open(sys.argv[1], encoding="utf-8") as file:
        tests = file.read().split("\n")
    feedback = sys.argv[3]
    sys.argv = ["pytest"]
    os.chdir(HERE + "/suite")
    sys.path[0] = HERE + "/pytest.zip"
    import unittest

    import pytest  # or this is no judge: its exit code says so

    unittest.TestCase.assertSetEqual = guarded(unittest.TestCase.assertSetEqual)
    for stream in (1, 2):  # what pytest shows of a test is as long as the program likes
        os.dup2(0, stream)
    peer = Tests(reading, writing)
    sys.meta_path.append(Finder(peer))
    watcher = Watcher()
    code = None
    try:
        options = ["-q", "--rootdir=.", "-c", os.devnull, "-p", "no:cacheprovider", "-p", "no:faulthandler"]
        code = pytest.main([*options, *filter(None, tests)], plugins=[watcher])
    except BaseException as error:
        watcher.said.append(f"{type(error).__name__}: {error}")
    passed = code == 0 and watcher.passed == watcher.collected > 0 and not watcher.said
    if not passed:
        said = "\n".join(watcher.said) or "the test did not run to its end"
        tell(feedback, said)
    os._exit(PASSED if passed else FAILED)


main()
