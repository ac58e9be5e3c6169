"""Which class a Java program starts at, read from its class files (pure; JVM specification, chapter 4).

Class files come out of a jail, so their bytes are anybody's: reading takes linear time and fails with ValueError only.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_MAGIC = 0xCAFEBABE
_PUBLIC_STATIC = 0x0001 | 0x0008
_MAIN = (b"main", b"([Ljava/lang/String;)V")
_UTF8, _LONG, _DOUBLE, _CLASS = 1, 5, 6, 7
# Bytes behind the tag of each kind of constant; of Utf8 those before its text.
_CONSTANT_SIZES = {
    1: 2,
    3: 4,
    4: 4,
    5: 8,
    6: 8,
    7: 2,
    8: 2,
    9: 4,
    10: 4,
    11: 4,
    12: 4,
    15: 3,
    16: 2,
    17: 4,
    18: 4,
    19: 2,
    20: 2,
}


class MainClassError(Exception):
    """There is no class to start at, or more than one: verdict CE with `reason`, the message for the submitter."""

    reason = "no_program"


@dataclass(frozen=True)
class ClassFile:
    """What a class file says of itself. Names are those of Java: `a.b.Foo`, nested ones `a.b.Foo$Inner`."""

    name: str
    parent: str | None
    source_file: str | None
    """The name, without folder, of the file it was compiled from."""
    has_main: bool
    """Whether it has a `public static void main(String[])` of its own."""

    @property
    def package(self) -> str:
        """The package, empty for the unnamed one."""
        return self.name.rpartition(".")[0]

    @property
    def simple_name(self) -> str:
        """The name within the package."""
        return self.name.rpartition(".")[2]


def main_class(classes: Mapping[str, bytes], entry_source: str | None) -> str:
    """Name the class to start: that compiled from `entry_source` (a path), else the only one with `main`.

    `classes` are the class files by path. Raises MainClassError where there is none, where there are several, and
    where one of the files is no class file.
    """
    known = {found.name: found for found in _read_all(classes)}
    if entry_source is None:
        return _only(
            [found.name for found in known.values() if found.has_main],
            "set entry_point to the file of the one to start",
        )
    own = _compiled_from(entry_source, list(known.values()))
    candidates = [found for found in own if found.has_main] or [found for found in own if _inherits_main(found, known)]
    named_like_file = [found for found in candidates if found.simple_name == PurePosixPath(entry_source).stem]
    return _only(
        [found.name for found in named_like_file or candidates],
        f"keep one of them in {entry_source}",
        f" in {entry_source}",
    )


def read_class(data: bytes) -> ClassFile:
    """Read a class file. Raises ValueError saying what is wrong with it."""
    reader = _Reader(data)
    if reader.u4() != _MAGIC:
        raise ValueError("it does not begin as a class file")
    reader.skip(4)  # minor and major version: what is read here is the same in all of them
    pool = _ConstantPool(reader)
    reader.skip(2)  # access flags: any class, interface, enum or record may have a main
    name, parent = pool.class_name(reader.u2()), reader.u2()
    reader.skip(2 * reader.u2())  # interfaces
    _fields, methods = list(_members(reader, pool)), list(_members(reader, pool))
    has_main = any(flags & _PUBLIC_STATIC == _PUBLIC_STATIC and member == _MAIN for flags, member in methods)
    source = next((_source_file(body, pool) for key, body in _attributes(reader, pool) if key == b"SourceFile"), None)
    return ClassFile(name, pool.class_name(parent) if parent else None, source, has_main)


def _read_all(classes: Mapping[str, bytes]) -> Iterator[ClassFile]:
    for path in sorted(classes):
        if not path.endswith(".class"):
            continue
        try:
            yield read_class(classes[path])
        except ValueError as error:
            raise MainClassError(f"{path} is not a class file: {error}") from error


def _only(names: Sequence[str], hint: str, where: str = "") -> str:
    if not names:
        raise MainClassError(f"no class{where} has a method `public static void main(String[])`")
    if len(names) > 1:
        raise MainClassError(f"several classes{where} have a main method: {', '.join(sorted(names))}; {hint}")
    return names[0]


def _compiled_from(entry: str, classes: Sequence[ClassFile]) -> list[ClassFile]:
    """List what was compiled from `entry`. Of files with the same name, the one whose folder ends as its package."""
    path = PurePosixPath(entry)
    same_name = [found for found in classes if found.source_file == path.name]
    packages = {found.package for found in same_name}
    fitting = {package for package in packages if _ends_with(path.parent.parts, package)}
    nearest = max(fitting, key=len) if len(packages) > 1 and fitting else None
    return [found for found in same_name if nearest is None or found.package == nearest]


def _ends_with(folders: tuple[str, ...], package: str) -> bool:
    wanted = tuple(package.split(".")) if package else ()
    return folders[len(folders) - len(wanted) :] == wanted


def _inherits_main(found: ClassFile, known: Mapping[str, ClassFile]) -> bool:
    seen: set[str] = set()
    while (parent := found.parent) is not None and parent in known and parent not in seen:
        if known[parent].has_main:
            return True
        seen.add(parent)
        found = known[parent]
    return False


class _Reader:
    """Big-endian numbers from bytes, one after another; ValueError at the end of them."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise ValueError("it ends too early")
        self._at += size
        return piece

    def skip(self, size: int) -> None:
        if self._at + size > len(self._data):
            raise ValueError("it ends too early")
        self._at += size

    def u1(self) -> int:
        return self.take(1)[0]

    def u2(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u4(self) -> int:
        return int.from_bytes(self.take(4), "big")


class _ConstantPool:
    """The texts and classes of the constant pool, by index."""

    def __init__(self, reader: _Reader) -> None:
        self._texts: dict[int, bytes] = {}
        self._classes: dict[int, int] = {}
        count, index = reader.u2(), 1
        while index < count:
            tag = reader.u1()
            if tag not in _CONSTANT_SIZES:
                raise ValueError(f"constant {index} is of the unknown kind {tag}")
            body = reader.take(_CONSTANT_SIZES[tag])
            if tag == _UTF8:
                self._texts[index] = reader.take(int.from_bytes(body, "big"))
            elif tag == _CLASS:
                self._classes[index] = int.from_bytes(body, "big")
            index += 2 if tag in {_LONG, _DOUBLE} else 1

    def text(self, index: int) -> bytes:
        if index not in self._texts:
            raise ValueError(f"constant {index} is not a text")
        return self._texts[index]

    def class_name(self, index: int) -> str:
        if index not in self._classes:
            raise ValueError(f"constant {index} is not a class")
        name = _decode(self.text(self._classes[index])).replace("/", ".")
        if not name or name[0] in "-@" or not name.isprintable():
            raise ValueError(f"{name!r} is no name for a class")  # it becomes an argument of `java`
        return name


def _members(reader: _Reader, pool: _ConstantPool) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    """Give access flags and (name, descriptor) of each field or method."""
    for _ in range(reader.u2()):
        flags, name, descriptor = struct.unpack(">3H", reader.take(6))
        for _ in _attributes(reader, pool):
            pass
        yield flags, (pool.text(name), pool.text(descriptor))


def _attributes(reader: _Reader, pool: _ConstantPool) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(reader.u2()):
        name = pool.text(reader.u2())
        yield name, reader.take(reader.u4())


def _source_file(body: bytes, pool: _ConstantPool) -> str:
    return _decode(pool.text(_Reader(body).u2()))


def _decode(text: bytes) -> str:
    """Decode Java's own UTF-8: beyond the 16-bit plane each half of a surrogate pair is encoded by itself."""
    halves = text.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
    return halves.encode("utf-16-be", "surrogatepass").decode("utf-16-be")
