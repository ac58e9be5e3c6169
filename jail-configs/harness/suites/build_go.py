# Builds Go tests and the package that they test, with what runs one of them and says that it has passed. That is a
# package (go_first.go) that every package of the program imports: what Go initialises first of all.
import os
import re
import sys

from building import BOX, HERE, SUITE, files, name_nobody_knows, refuse, run_with_tests, text, write

GO = "/usr/bin/go"
FOREIGN = re.compile(r"\.(?:s|S|sx|c|cc|cpp|cxx|h|hh|hpp|hxx|m|f|F|for|f90|swig|swigcxx|syso)$")
NO_LINES = re.compile(r"//[^\n]*|/\*.*?\*/|`[^`]*`|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
PACKAGE = re.compile(r"^\s*package\s+(\w+)", re.MULTILINE)
TEST = re.compile(r"^func\s+(Test(?:[^a-z\W]\w*)?)\s*\(\s*\w+\s+\*testing\.T\s*\)", re.MULTILINE)
IMPORTS = {"unsafe", "syscall", "plugin", "C", "runtime/cgo"}
WORDS = {"WriteHeapDump", "NewAt", "UnsafePointer", "UnsafeAddr"}
"""By which a program reads or writes memory that is not its own."""
PREDECLARED = """
any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune
string uint uint8 uint16 uint32 uint64 uintptr true false iota nil append cap clear close complex
copy delete imag len make max min new panic print println real recover
"""


def bare(source):
    """Leave out comments, strings and runes; what is left has the same lines."""
    return NO_LINES.sub(lambda found: "\n" * found[0].count("\n") or " ", source)


def strings(source):
    """List what stands in quotes, comments aside."""
    found = (one[0] for one in NO_LINES.finditer(source))
    return {one[1:-1] for one in found if one[0] in '"`'}


def declared(code):
    """List what a file declares for its whole package, by `bare` code."""
    depth, group, names = 0, "", set()
    code = re.sub(r",\s+", ", ", re.sub(r"\b(func|var|const|type)\s+", r"\1 ", code))
    for line in re.split(r"[\n;]", code):
        words = re.match(r"\s*(?:(func|var|const|type)\s+(?!\())?(\w+(?:\s*,\s*\w+)*)?", line)
        if (depth == 0 and words[1]) or (group and depth == 1):
            names.update(re.findall(r"\w+", words[2] or ""))
        opened = re.match(r"\s*(?:var|const|type)\s*\(", line)
        if depth == 0 and opened:
            group = opened[0]
            names.update(re.findall(r"\(\s*(\w+)", line))
        depth += sum(line.count(one) for one in "({[") - sum(line.count(one) for one in ")}]")
        if depth <= 0:
            group, depth = "", 0
    return names


def check(path):
    """Refuse what would reach behind what Go lets a program do, or stand in a test's way to Go."""
    named = os.path.relpath(path, BOX)
    if FOREIGN.search(path):
        refuse(f"{named}: a program with unit tests is written in Go alone")
    if not path.endswith(".go"):
        return
    source = text(path)
    code = bare(source)
    for one in sorted(IMPORTS & strings(source)):
        refuse(f'{named}: "{one}" has no place in a program with unit tests')
    for one in sorted(WORDS & set(re.findall(r"\w+", code))):
        refuse(f"{named}: {one} has no place in a program with unit tests")
    if re.search(r"^//\s*go:(?:embed|linkname|cgo)", source, re.MULTILINE):
        refuse(f"{named}: go:embed and go:linkname have no place in a program with unit tests")
    for one in sorted(set(PREDECLARED.split()) & declared(code)):
        refuse(f"{named}: declares {one} anew, which tests of the package would take for Go's")


def package_of(path):
    found = PACKAGE.search(bare(text(path)))
    if found is None:
        refuse(f"{os.path.relpath(path, BOX)}: has no package clause")
    return found[1]


def module(folder):
    """Give the module that a folder belongs to: its place and its name; one is made where there is none."""
    place = folder
    while not os.path.isfile(os.path.join(place, "go.mod")):
        if place == BOX:
            write(os.path.join(folder, "go.mod"), "module solution\n\ngo 1.19\n")
            return folder, "solution"
        place = os.path.dirname(place)
    found = re.search(r"^\s*module\s+\"?([^\s\"]+)", text(os.path.join(place, "go.mod")), re.MULTILINE)
    if found is None:
        refuse("go.mod: names no module")
    return place, found[1]


def wrapper(package, path, secret, tests, *, main):
    """Write what names the tests of one package to what runs them."""
    first = f"first_{secret}"
    told = "".join(f'\t{first}.Known("{file}::{test}", {test})\n' for file, test in tests)
    code = f'package {package}\n\nimport (\n\t"testing"\n\n\t{first} "{path}"\n)\n\nfunc init() {{\n{told}}}\n'
    if main:
        code += f"\nfunc Test_{secret}(t *testing.T) {{ {first}.Run(t) }}\n"
        code += f"\nfunc TestMain(m *testing.M) {{ {first}.Main(m) }}\n"
    return code


def main():
    folder = os.path.join(BOX, os.path.dirname(sys.argv[1])).rstrip("/")
    secret = name_nobody_knows()
    for path in [*files(BOX)]:
        if path.endswith("_test.go"):
            os.remove(path)
        else:
            check(path)
    place, name = module(folder)
    by_folder = {os.path.dirname(path): path for path in files(place) if path.endswith(".go")}
    for one, path in by_folder.items():
        imported = f'package {package_of(path)}\n\nimport _ "{name}/{secret}"\n'
        write(os.path.join(one, f"{secret}.go"), imported)
    write(os.path.join(place, secret, "first.go"), text(os.path.join(HERE, "go_first.go")).replace("FIRST", secret))
    by_package = {}
    for path in files(SUITE):
        if path.endswith(".go") and os.path.dirname(path) == SUITE:
            source, file = text(path), os.path.basename(path)
            if not file.endswith("_test.go"):
                refuse(f"{file}: tests are in files *_test.go")
            tests = [(file, test) for test in TEST.findall(bare(source))]
            by_package.setdefault(package_of(path), []).extend(tests)
            write(os.path.join(folder, file), source)
    for number, (package, tests) in enumerate(by_package.items()):
        code = wrapper(package, f"{name}/{secret}", secret, tests, main=number == 0)
        write(os.path.join(folder, f"{secret}_{number}_test.go"), code)
    # An index of packages that go would make in its cache, and what was prepared for that is not to be written to.
    indexed = {"GODEBUG": "goindex=0"}
    argv = [GO, "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", os.path.join(BOX, "a.out"), "."]
    run_with_tests(argv, folder, lambda path: path.endswith("_test.go"), **indexed)


main()
