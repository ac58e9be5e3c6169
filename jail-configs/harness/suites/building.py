# What builders of tests and program have in common. They run in a compiler's jail, where nothing of the program is run.
import hashlib
import os
import re
import subprocess
import sys

BOX = os.getcwd()
HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = os.path.join(HERE, "suite")


MISSING = re.compile(r"undefined: [\w.]+$|(?:cannot find|unresolved import|no) [\w ,/]*`[\w:]+`(?: in [\w ]+)?$")
"""How compilers of Go and Rust say that a name was not found."""


def refuse(message):
    """End as a compiler does that has found a fault."""
    sys.stderr.write(f"{message}\n")
    sys.exit(1)


def files(folder):
    """List the regular files below a folder, but for ours."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if os.path.join(place, one) != HERE)
        yield from (os.path.join(place, name) for name in sorted(names))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def text(path):
    """Read a source. Ends the build where it is no UTF-8."""
    try:
        return read(path).decode()
    except UnicodeDecodeError:
        refuse(f"{os.path.relpath(path, BOX)}: is no UTF-8")


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)


def name_nobody_knows():
    """Make a name out of all sources: one that stood in them would be another one."""
    whole = hashlib.sha256()
    for path in [*files(BOX), *files(SUITE)]:
        whole.update(hashlib.sha256(path.encode()).digest() + hashlib.sha256(read(path)).digest())
    return f"shipd_{whole.hexdigest()[:32]}"


def run(argv, folder=BOX, **environment):
    """Run a compiler. Ends the build where it fails."""
    environment = {**os.environ, **environment}
    if subprocess.run(argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False).returncode:
        sys.exit(1)


def missing(message):
    """Say what name was not found; nothing of any other message."""
    found = MISSING.search(message)
    return found[0] if found else ""


def run_with_tests(argv, folder, is_test, told_of=missing, **environment):
    """Run a compiler that reads tests, and tell nothing of what these say: what is expected stands there.

    A program of odd types could have a compiler quote it. Told is where the fault is, and a name that was not found.
    """
    output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    environment = {**os.environ, **environment}
    done = subprocess.run(argv, cwd=folder, env=environment, check=False, text=True, errors="replace", **output)
    if done.returncode == 0:
        return
    for place, message in re.findall(r"^(\S+?:\d+:\d+): (.*)$", done.stdout, re.MULTILINE):
        told = message
        if is_test(place.split(":")[0]):
            told = told_of(message) or "the test does not fit the program"
        sys.stderr.write(f"{place}: {told}\n")
    refuse("the tests cannot be built with this program")
