import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.java_main import MainClassError, main_class, read_class

PUBLIC_STATIC = 0x0009
MAIN = ("main", "([Ljava/lang/String;)V", PUBLIC_STATIC)


class ClassWriter:
    """Writes the class files that a test needs, to the letter of the JVM specification."""

    def __init__(self) -> None:
        self.constants: list[bytes] = []

    def text(self, text: str) -> int:
        encoded = text.encode("utf-8", "surrogatepass")
        return self._add(b"\x01" + struct.pack(">H", len(encoded)) + encoded)

    def of_class(self, name: str) -> int:
        return self._add(b"\x07" + struct.pack(">H", self.text(name)))

    def _add(self, constant: bytes) -> int:
        self.constants.append(constant)
        return len(self.constants)


def compiled(
    name: str,
    *methods: tuple[str, str, int],
    source: str | None = None,
    parent: str = "java/lang/Object",
    first: bytes = b"",
) -> bytes:
    writer = ClassWriter()
    if first:
        writer.constants += [first, b""]  # a long takes two places, of which the second has no bytes
    this, base, code = writer.of_class(name), writer.of_class(parent), writer.text("Code")
    members = b"".join(
        struct.pack(">4H", flags, writer.text(method), writer.text(descriptor), 1)
        + struct.pack(">HI", code, 3)
        + b"abc"
        for method, descriptor, flags in methods
    )
    attributes = struct.pack(">H", 0)
    if source is not None:
        attributes = struct.pack(">HHIH", 1, writer.text("SourceFile"), 2, writer.text(source))
    head = struct.pack(">IHHH", 0xCAFEBABE, 0, 61, len(writer.constants) + 1) + b"".join(writer.constants)
    body = struct.pack(">5H", 0x21, this, base, 1, base) + struct.pack(">HH", 0, len(methods)) + members
    return head + body + attributes


def classes(*members: tuple[str, str, bool]) -> dict[str, bytes]:
    """Give class files for (name, source file, whether it has a main)."""
    return {
        f"classes/{name}.class": compiled(name, *([MAIN] if main else []), source=source)
        for name, source, main in members
    }


def test_it_finds_the_only_main() -> None:
    assert main_class(classes(("Main", "Main.java", True), ("Main$Node", "Main.java", False)), None) == "Main"


def test_it_reads_what_a_class_says_of_itself() -> None:
    found = read_class(compiled("a/b/Foo$In", MAIN, source="Foo.java", parent="a/b/Base", first=b"\x05" + bytes(8)))
    assert (found.name, found.package, found.simple_name) == ("a.b.Foo$In", "a.b", "Foo$In")
    assert (found.parent, found.source_file, found.has_main) == ("a.b.Base", "Foo.java", True)


@pytest.mark.parametrize(
    "method",
    [
        ("main", "([Ljava/lang/String;)V", 0x0001),
        ("main", "([Ljava/lang/String;)V", 0x0008),
        ("main", "()V", PUBLIC_STATIC),
        ("main", "([Ljava/lang/String;)I", PUBLIC_STATIC),
        ("Main", "([Ljava/lang/String;)V", PUBLIC_STATIC),
    ],
)
def test_only_public_static_void_main_of_strings_counts(method: tuple[str, str, int]) -> None:
    with pytest.raises(MainClassError, match="no class has a method"):
        main_class({"classes/A.class": compiled("A", method)}, None)


def test_varargs_and_final_count() -> None:
    assert main_class({"classes/A.class": compiled("A", ("main", "([Ljava/lang/String;)V", 0x0099))}, None) == "A"


def test_no_classes_is_no_program() -> None:
    with pytest.raises(MainClassError, match="no class has a method") as none:
        main_class({}, None)
    assert none.value.reason == "no_program"


def test_several_are_named() -> None:
    both = classes(("p/B", "B.java", True), ("A", "A.java", True), ("C", "C.java", False))
    with pytest.raises(MainClassError, match=r"several classes have a main method: A, p\.B; set") as several:
        main_class(both, None)
    assert several.value.reason == "no_program"


def test_entry_point_decides() -> None:
    found = classes(("A", "A.java", True), ("B", "B.java", True))
    assert main_class(found, "B.java") == "B"
    assert main_class(found, "src/A.java") == "A"


def test_entry_point_with_a_class_of_another_name() -> None:
    assert main_class(classes(("Hidden", "Main.java", True), ("Lib", "Lib.java", True)), "Main.java") == "Hidden"


def test_the_class_named_as_the_file_goes_first() -> None:
    found = classes(("Foo", "Foo.java", True), ("Helper", "Foo.java", True), ("Foo$In", "Foo.java", True))
    assert main_class(found, "Foo.java") == "Foo"


def test_several_in_the_entry_point_are_named() -> None:
    with pytest.raises(MainClassError, match=r"several classes in Foo\.java have a main method: A, B"):
        main_class(classes(("A", "Foo.java", True), ("B", "Foo.java", True)), "Foo.java")


def test_an_entry_point_without_main_is_no_program() -> None:
    with pytest.raises(MainClassError, match=r"no class in B\.java has a method"):
        main_class(classes(("A", "A.java", True), ("B", "B.java", False)), "B.java")


@pytest.mark.parametrize(
    ("entry", "name"), [("src/a/Run.java", "a.Run"), ("src/b/Run.java", "b.Run"), ("Run.java", "Run")]
)
def test_of_files_with_one_name_the_folder_decides(entry: str, name: str) -> None:
    found = classes(("a/Run", "Run.java", True), ("b/Run", "Run.java", True), ("Run", "Run.java", True))
    assert main_class(found, entry) == name


def test_a_package_need_not_lie_in_its_folder() -> None:
    assert (
        main_class(classes(("deep/down/Run", "Run.java", True), ("X", "X.java", True)), "Run.java") == "deep.down.Run"
    )


def test_a_main_may_be_inherited_by_the_entry_point() -> None:
    found = {
        "classes/Base.class": compiled("Base", MAIN, source="Base.java"),
        "classes/Mid.class": compiled("Mid", source="Mid.java", parent="Base"),
        "classes/Top.class": compiled("Top", source="Top.java", parent="Mid"),
    }
    assert main_class(found, "Top.java") == "Top"
    assert main_class(found, None) == "Base"


def test_a_circle_of_parents_ends() -> None:
    found = {
        "classes/A.class": compiled("A", source="A.java", parent="B"),
        "classes/B.class": compiled("B", source="B.java", parent="A"),
    }
    with pytest.raises(MainClassError, match="no class"):
        main_class(found, "A.java")


def test_names_may_have_any_letters() -> None:
    clef = "\U0001d11e"
    halves = clef.encode("utf-16-be")
    as_java_writes_it = "".join(chr(int.from_bytes(halves[i : i + 2], "big")) for i in (0, 2))
    assert read_class(compiled(f"größe/{as_java_writes_it}")).name == f"größe.{clef}"


def test_files_that_are_no_classes_do_not_count() -> None:
    assert main_class({"classes/notes.txt": b"?", **classes(("A", "A.java", True))}, None) == "A"


def test_a_broken_class_file_is_named() -> None:
    with pytest.raises(MainClassError, match=r"classes/A\.class is not a class file: it does not begin"):
        main_class({"classes/A.class": b"rubbish"}, None)


@pytest.mark.parametrize("name", ["-Xmx9g", "@args", "", "a\nb", "\0"])
def test_a_name_that_java_would_take_for_something_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a class"):
        read_class(compiled(name, MAIN))


def test_every_cut_is_refused() -> None:
    whole = compiled("a/B", MAIN, source="B.java")
    for size in range(len(whole)):
        with pytest.raises(ValueError):
            read_class(whole[:size])


def outcome(data: bytes) -> bool:
    """Say whether it could be read; anything but ValueError is an error of ours."""
    try:
        read_class(data)
    except ValueError:
        return False
    return True


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert not outcome(data)


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_good_beginning_are_read_or_refused(data: bytes) -> None:
    outcome(b"\xca\xfe\xba\xbe\x00\x00\x00\x3d" + data)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8))
def test_any_damage_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    data = bytearray(compiled("a/B", MAIN, ("other", "()V", 1), source="B.java", parent="a/C"))
    for at, value in changes:
        data[at % len(data)] = value
    outcome(bytes(data))
