"""The checker as its jail runs it: a script of its own, with sources that were written to get round it."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from domain.settings import TREE
from domain.static_checks import read
from workers.check_python import FOUND, own_modules
from workers.static_check import SCRIPT

BASIC = read(TREE / "jail-configs" / "static" / "basic.toml")


def checked(folder: Path, files: dict[str, bytes], entry: str = "main.py", *, hidden: bool = False) -> tuple[int, str]:
    """Run the script on sources; give its exit code and what it said."""
    asked = []
    for number, (path, content) in enumerate(files.items()):
        (folder / str(number)).write_bytes(content)
        asked.append({"path": path, "hidden": hidden, "at": str(number)})
    ask = {
        "imports": sorted(BASIC.imports),
        "names": dict(BASIC.names),
        "attributes": dict(BASIC.attributes),
        "entry": entry,
        "own": sorted(files),
        "files": asked,
    }
    (folder / "ask.json").write_text(json.dumps(ask))
    command = ["/usr/bin/python3", "-I", "-S", "-B", str(SCRIPT)]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode()


def said(folder: Path, source: bytes | str, **others: bytes) -> str:
    """What the script says of one source; `others` are modules beside it."""
    content = source if isinstance(source, bytes) else source.encode()
    code, told = checked(folder, {"main.py": content, **{f"{name}.py": text for name, text in others.items()}})
    assert code == (0 if told.startswith("checked") else FOUND), told
    return told


def test_it_works(tmp_path: Path) -> None:
    source = "import math\n\nimport os, sys\n"
    assert said(tmp_path, source) == "main.py:3: import of 'os' is not allowed (rule imports)\n"


ALLOWED = {
    "nothing": "",
    "a program": "import sys\nfrom collections import deque as d\nfor line in sys.stdin: print(sorted(d(line)))",
    "below an allowed module": "import collections.abc\nfrom collections.abc import Mapping",
    "star of an allowed module": "from math import *\nprint(pi)",
    "the future": "from __future__ import annotations",
    "name equals main": "if __name__ == '__main__': print(__file__)",
    "super": "class A:\n    def __init__(self): super().__init__(); print(self.__class__.__name__, type(self))",
    "a method called open": "class Door:\n    def open(self): return 1\nDoor().open()",
    "a keyword": "def f(**more): return more\nf(open=1, exec=2)",
    "words in text": "print('import os; eval(x)')  # __subclasses__ = open",
    "a byte order mark": b"\xef\xbb\xbfprint(1)\n",
    "utf-8 by name": b"#!/usr/bin/python3\n# -*- coding: UTF-8 -*-\nprint('\xc3\xa4')\n",
    "vim's": b"# vim: set fileencoding=utf-8 :\nprint(1)\n",
    "a parameter named encoding": "def f(encoding=None): return encoding\nf(encoding='utf-7')\n",
    "form feeds and carriage returns": b"x = 1\r\x0cy = 2\r\n\x0c\r\nprint(x)\n",
    "no program at all": "def f(:\n    import os",
}


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_is_allowed_passes(tmp_path: Path, source: bytes | str) -> None:
    assert said(tmp_path, source) == "checked 1\n"


REFUSED = {
    "import": ("import os", "main.py:1: import of 'os' is not allowed (rule imports)"),
    "import as": ("import os as math", "import of 'os'"),
    "import below": ("import os.path", "import of 'os.path'"),
    "second of several": ("import math, os", "import of 'os'"),
    "from": ("from os import path", "import of 'os'"),
    "from below": ("from importlib.util import find_spec", "import of 'importlib.util'"),
    "star": ("from os import *", "import of 'os'"),
    "within a function": ("def f():\n  try:\n    import os\n  except: pass", "main.py:3: import of 'os'"),
    "wide letters": ("import \uff4f\uff53", "import of 'os'"),
    "builtins": ("import builtins", "import of 'builtins'"),
    "main": ("import __main__", "import of '__main__'"),
    "call of import": ("__import__('os')", "the name '__import__' is not allowed: imports by text (rule names)"),
    "eval": ("eval('1')", "main.py:1: the name 'eval' is not allowed: runs text as a program (rule names)"),
    "eval in wide letters": ("\uff45\uff56\uff41\uff4c('1')", "the name 'eval'"),
    "another name for eval": ("\ne = eval\ne('1')", "main.py:2: the name 'eval'"),
    "as a default": ("def f(run=exec): run('')", "the name 'exec'"),
    "in a text": ("print(f'{eval(\"1\")}')", "the name 'eval'"),
    "in a decorator": ("@exec\nclass A: pass", "the name 'exec'"),
    "in a lambda": ("(lambda: open('/etc/passwd'))()", "the name 'open'"),
    "as an annotation": ("x: open = 1", "the name 'open'"),
    "behind a semicolon": ("pass; compile('', '', 'exec')", "the name 'compile'"),
    "behind a carriage return": (b"x = 1\rimport os\n", "main.py:2: import of 'os'"),
    "behind a form feed": (b"x = 1\n\x0cimport os\n", "main.py:2: import of 'os'"),
    "behind a continued line": ("import \\\n  os", "import of 'os'"),
    "without a newline": ("#\nimport os", "main.py:2: import of 'os'"),
    "getattr": ("getattr(1, 'real')", "the name 'getattr'"),
    "the built-in functions": ("__builtins__['eval']", "the name '__builtins__'"),
    "subclasses": ("().__class__.__base__.__subclasses__()", "the attribute '__subclasses__'"),
    "on its line": ("(1)\\\n.real\\\n.__globals__", "main.py:3: the attribute '__globals__'"),
    "globals": ("(lambda: 0).__globals__", "the attribute '__globals__'"),
    "a module of a module": ("import random\nrandom._os.system('id')", "main.py:2: the attribute '_os'"),
    "from a module a module": ("from random import _os as r", "the attribute '_os'"),
    "loaded modules": ("import sys\nsys.modules['os']", "the attribute 'modules'"),
    "loaded modules imported": ("from sys import modules", "the attribute 'modules'"),
    "a class pattern": ("match print:\n  case object(__self__=b): pass", "main.py:2: the attribute '__self__'"),
    "package set": ("__package__ = 'os'\nfrom . import system", "'__package__' cannot be changed"),
    "own name set": ("__name__ = 'os.path'\nfrom . import system", "'__name__' cannot be changed"),
    "own name deleted": ("del __name__", "'__name__' cannot be changed"),
    "by a pattern": ("match 'os':\n  case __package__: pass", "main.py:2: '__package__' cannot be changed"),
    "by a walrus": ("(__package__ := 'os')", "'__package__' cannot be changed"),
    "by an import": ("from string import digits as __package__", "'__package__' cannot be changed"),
    "by a loop": ("for __name__ in ['os.x']: pass", "'__name__' cannot be changed"),
    "utf-7": (b"# -*- coding: utf-7 -*-\n+AGkAbQBwAG8AcgB0-", "main.py:1: the encoding 'utf-7' is not allowed"),
    "escapes in the second line": (b"#!\n#coding=unicode_escape\n#\\nimport os", "main.py:2: the encoding"),
    "a cookie behind a mark": (b"\xef\xbb\xbf# coding: latin-1\n", "the encoding 'latin-1'"),
    "a cookie behind a carriage return": (b"#\r# coding: utf-7\r+AAo-import os", "main.py:2: the encoding 'utf-7'"),
    "two cookies": (b"# coding: utf-8 coding: utf-7\n", "the encoding 'utf-7'"),
    "not utf-8": (b"#\n# \xff\nimport os\n", "main.py:2: this is not valid UTF-8 (rule encoding)"),
    "a name twice in other words": (b"# coding: utf-8\n# \xff\nimport os\n", "main.py:2: this is not valid UTF-8"),
    "utf-16": ("import os".encode("utf-16"), "main.py:1: a NUL byte"),
    "nul": (b"import os\n#\0\n", "main.py:2: a NUL byte is not allowed (rule source)"),
}


@pytest.mark.parametrize(("source", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_allowed_is_named(tmp_path: Path, source: bytes | str, line: str) -> None:
    assert line in said(tmp_path, source)


def test_an_archive_is_no_source(tmp_path: Path) -> None:
    """Python runs a zip file by its end, whatever the source before it says."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("__main__.py", "import os\nprint('ran', os.getpid() > 0)\n")
    content = b"print('nothing')\n" + held.getvalue()
    (tmp_path / "main.py").write_bytes(content)
    ran = subprocess.run(["/usr/bin/python3", "-B", "main.py"], cwd=tmp_path, capture_output=True, check=True)
    assert ran.stdout == b"ran True\n"
    assert "(rule source)" in said(tmp_path, content)


def test_byte_code_is_no_source(tmp_path: Path) -> None:
    code = "import importlib.util as u, sys; sys.stdout.buffer.write(u.MAGIC_NUMBER + bytes(12) + b'x')"
    content = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, check=True).stdout
    assert "main.py:1: this is byte code" in said(tmp_path, content)


@pytest.mark.parametrize("name", ["evil.so", "evil.cpython-311-x86_64-linux-gnu.so", "__pycache__/evil.pyc"])
def test_compiled_modules_are_refused(tmp_path: Path, name: str) -> None:
    """They would be taken instead of a source of the same name that was checked."""
    _, told = checked(tmp_path, {"main.py": b"import evil", "evil.py": b"", name: b"\x7fELF"})
    assert told == f"{name}:1: only Python sources may be imported, no compiled modules (rule source)\n"


def test_own_modules_may_be_imported(tmp_path: Path) -> None:
    files = {
        "main.py": b"import helper, pack.part\nfrom space import thing\nfrom pack import *",
        "helper.py": b"from math import pi",
        "pack/__init__.py": b"from . import part\nfrom .part import x",
        "pack/part.py": b"from .. import nothing\nx = 1",
        "space/thing.py": b"",
    }
    assert checked(tmp_path, files) == (0, "checked 5\n")


def test_own_modules_are_checked_too(tmp_path: Path) -> None:
    told = said(tmp_path, "import helper", helper=b"\n\neval('1')")
    assert told == "helper.py:3: the name 'eval' is not allowed: runs text as a program (rule names)\n"


def test_a_module_that_no_import_finds_is_not_own(tmp_path: Path) -> None:
    files = {"src/main.py": b"import near\nimport far", "src/near.py": b"", "far.py": b"", "src/deep/far.py": b""}
    _, told = checked(tmp_path, files, "src/main.py")
    assert told == "src/main.py:2: import of 'far' is not allowed (rule imports)\n"


def test_a_name_of_the_standard_library_is_never_own(tmp_path: Path) -> None:
    """`os` is loaded before the program starts: an import gives the real one, whatever lies beside it."""
    assert "import of 'os'" in said(tmp_path, "import os", os=b"")


def test_a_folder_gives_way_to_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.check_python._installed", lambda name: name == "yaml")
    paths = ["yaml/x.py", "space/x.py", "sure/__init__.py", "__main__.py", "main.py", "data/readme.txt"]
    assert own_modules(paths, "main.py") == {"space", "sure", "main"}


def test_an_entry_point_of_any_name_is_a_source(tmp_path: Path) -> None:
    assert checked(tmp_path, {"main.txt": b"import os"}, "main.txt")[1].startswith("main.txt:1: import of 'os'")


def test_of_a_hidden_file_only_the_rule_is_told(tmp_path: Path) -> None:
    code, told = checked(tmp_path, {"secret.py": b"import os, re\neval(1)\nexec(2)"}, hidden=True)
    assert code == FOUND
    assert told == (
        "a file of a hidden test case is not allowed (rule imports)\n"
        "a file of a hidden test case is not allowed (rule names)\n"
    )


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    assert checked(tmp_path, {"a\nchecked 1\n.py": b"import os"})[1].count("\n") == 1


def test_not_everything_is_said(tmp_path: Path) -> None:
    told = said(tmp_path, "\n".join(["import os"] * 70) + "\nimport " + "x" * 500).splitlines()
    assert len(told) == 51
    assert told[-1] == "and 21 more"


def test_long_names_are_cut(tmp_path: Path) -> None:
    assert len(said(tmp_path, "import " + "x" * 500)) < 160


ODD = {
    "nul in a comment": b"#\0\n%s",
    "nul behind": b"%s#\0",
    "nul in a text": b'"""\n\0"""\n%s',
    "end of file in DOS": b"\x1a\n%s",
    "end of transmission": b"\x04\n%s",
    "escape": b"# \x1b\n%s",
    "line separators": "# \u2028 \u2029 \x85\n%s".encode(),
    "vertical tabs": b"#\x0b%s\n%s",
    "only carriage returns": b"#\r%s",
    "form feed": b"\x0c%s",
    "form feed in a comment": b"#\x0c\n%s",
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbf%s",
    "bad bytes by the way": b"# coding: utf-8\n# \xff\xfe\n%s",
    "bad bytes behind a mark": b"\xef\xbb\xbf# \xff\n%s",
    "surrogates": b"# \xed\xa0\x80\n%s",
    "ascii that is none": b"# coding: ascii\n# \xc3\xa4\n%s",
    "utf8 by its other name": b"# coding: utf8\n# \xff\n%s",
    "utf-8 of a kind": b"# coding: utf-8-foo\n%s",
    "latin": b"# coding: latin-1\n# \xff\n%s",
    "utf-7": b"# coding: utf-7\n%s",
    "cookie in line two": b"\n# coding: utf-7\n%s",
    "cookie in line three": b"\n\n# coding: utf-7\n%s",
    "escapes": b"# coding: unicode_escape\n%s",
    "rot13": b"# coding: rot13\nvzcbeg bf; cevag('ena')",
    "continued": b"\\\n%s",
    "indented": b"  %s",
    "tabs": b"if 1:\n\tpass\n        pass\n%s",
    "deep parentheses": b"(" * 190 + b"1" + b")" * 190 + b"\n%s",
    "too deep parentheses": b"(" * 300 + b"1" + b")" * 300 + b"\n%s",
    "deep minus": b"-" * 900 + b"1\n%s",
    "too deep minus": b"-" * 5000 + b"1\n%s",
    "deep attributes": b"x = 1\n0 and x" + b".a" * 900 + b"\n%s",
    "too deep attributes": b"x = 1\n0 and x" + b".a" * 20_000 + b"\n%s",
    "deep additions": b"1" + b"+1" * 3000 + b"\n%s",
    "deep blocks": b"".join(b" " * n + b"if 1:\n" for n in range(90)) + b" " * 90 + b"pass\n%s",
    "a long number": b"0x" + b"f" * 9000 + b"\n%s",
    "a number too long": b"9" * 9000 + b"\n%s",
    "print as a word": b"print 'x'\n%s",
}


@pytest.mark.parametrize("source", ODD.values(), ids=ODD.keys())
def test_what_python_runs_the_checker_reads(tmp_path: Path, source: bytes) -> None:
    """Whatever is odd: the interpreter cannot run it, or the checker sees what it does, or it does not pass."""
    content = source.replace(b"%s", b"import os; print('ran')\n")
    (tmp_path / "main.py").write_bytes(content)
    ran = subprocess.run(["/usr/bin/python3", "-B", "main.py"], cwd=tmp_path, capture_output=True, check=False)
    _, told = checked(tmp_path, {"main.py": content})
    assert b"ran" not in ran.stdout or not told.startswith("checked"), ran
