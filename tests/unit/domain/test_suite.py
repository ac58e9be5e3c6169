"""Which test functions are in a suite."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.file import File
from domain.judging import Judging, decode, encode
from domain.suite import Framework, Suite, Unreadable
from domain.suite import tests_of as found_in

SOURCE = b"""
import unittest
from unittest import TestCase

def test_one(): ...
def testing(): ...
async def test_two(): ...
def helper(): ...
def test_one(): ...
class TestPlain:
    def test_a(self): ...
    def setup_method(self): ...
class Case(unittest.TestCase):
    def test_b(self): ...
class Other(TestCase):
    def test_c(self): ...
class Nothing:
    def test_d(self): ...
if True:
    def test_e(): ...
"""


def suite(framework: Framework, *files: tuple[str, bytes]) -> Suite:
    return Suite(framework, tuple(File(path, content) for path, content in files))


def test_it_finds_what_pytest_finds() -> None:
    names = ("TestPlain::test_a", "Case::test_b", "Other::test_c", "test_one", "testing", "test_two")
    found = found_in(suite(Framework.PYTEST, ("in/test_it.py", SOURCE)))
    assert found == tuple(f"in/test_it.py::{name}" for name in names)


def test_it_finds_what_unittest_finds() -> None:
    found = found_in(suite(Framework.UNITTEST, ("it_test.py", SOURCE)))
    assert found == ("it_test.py::Case::test_b", "it_test.py::Other::test_c")


def test_it_finds_titles_that_are_written_out() -> None:
    source = b"""
test('it adds', () => {});
describe('group', () => {
  it("is quoted", async () => {});
  it(`twice`, () => {}); it('behind', () => {});
  it(`${1}`, () => {});
  test('it adds', () => {});
});
latest('not this', () => {});
"""
    found = found_in(suite(Framework.NODE, ("a/b.test.mjs", source), ("helpers.js", source)))
    assert found == ("a/b.test.mjs::it adds", "a/b.test.mjs::is quoted", "a/b.test.mjs::twice")
    with pytest.raises(Unreadable, match="UTF-8"):
        found_in(suite(Framework.NODE, ("b.test.js", b"\xff")))


def test_only_test_files_hold_tests() -> None:
    others = ("helpers.py", "conftest.py", "test_data.txt", "tests.py", "test_data.py/more.txt")
    assert found_in(suite(Framework.PYTEST, *((path, SOURCE) for path in others))) == ()


@pytest.mark.parametrize(
    "source", [b"def test_a(:", b"\0", b"\xff", b"(" * 10_000, b"-" * 100_000 + b"1", b"a" + b".a" * 100_000]
)
def test_it_says_which_file_it_cannot_read(source: bytes) -> None:
    with pytest.raises(Unreadable, match="is no Python") as error:
        found_in(suite(Framework.PYTEST, ("test_a.py", b""), ("test_b.py", source)))
    assert error.value.position == 1


@given(st.binary(max_size=200))
def test_whatever_is_sent_is_read_or_refused(source: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert isinstance(found_in(suite(Framework.PYTEST, ("test_a.py", source))), tuple)


def test_it_is_kept_with_the_rest_of_the_judging() -> None:
    judging = Judging(suite=suite(Framework.PYTEST, ("test_a.py", b"\xff")))
    assert decode(encode(judging)) == judging


def test_it_finds_jest_tests_made_of_tables() -> None:
    source = b"""
test('adds', () => {});
test.each([
  [1, (2)],
])('each %i', (one) => {});
  it.each(ROWS)("row", () => {});
test.each(ROWS);
it('after', () => {});
"""
    found = found_in(suite(Framework.JEST, ("a.test.js", source)))
    assert found == ("a.test.js::adds", "a.test.js::each %i", "a.test.js::row", "a.test.js::after")


def test_it_finds_what_go_finds() -> None:
    source = b"""package main
func TestOne(t *testing.T) {}
func Test(t *testing.T) {}
func Test_two(t *testing.T) {}
func Testing(t *testing.T) {}
func TestHelper(t testing.TB) {}
func (s *Suite) TestMethod(t *testing.T) {}
func BenchmarkIt(b *testing.B) {}
// func TestNot(t *testing.T) {}
"""
    found = found_in(suite(Framework.GO, ("a_test.go", source), ("a.go", source), ("in/b_test.go", source)))
    assert found == ("a_test.go::TestOne", "a_test.go::Test", "a_test.go::Test_two")


def test_it_finds_what_cargo_finds() -> None:
    source = b"""use solution::total;
#[test]
fn one() {}
#[test]
#[should_panic(expected = "x")]
fn two() -> () {}
#[should_panic]
#[test] pub fn three() {}
fn helper() {}
    #[test]
    fn inside() {}
"""
    found = found_in(suite(Framework.CARGO, ("a.rs", source), ("in/b.rs", source)))
    assert found == ("a.rs::one", "a.rs::two", "a.rs::three")


def test_it_finds_what_junit_finds() -> None:
    source = b"""/* package no; */ package bank.small ;
import org.junit.*; // import org.junit.jupiter.api.Test;
public class ATest {
    private static final String TEXT = "} @Test public void quoted() {", BLOCK = \"\"\"
        { \\\"\"\" @Test public void block() {
        \"\"\";
    char brace = '{', quote = '\\'';
    // @Test public void commented() {}
    @Test public void one() { if (true) { two(); } }
    @Test(timeout = 100, expected = Exception.class)
    @Ignore("later") public final void two() throws Exception {}
    @SuppressWarnings({"a", "b"}) @org.junit.Test
    public
    void three( ) {}
    @Test public void one() {}
    @Test public void with(int argument) {}
    @Test void hidden() {}
    @Testing public void not() {}
    public void helper() {}
    public static class Inner { @Test public void inner() {} }
}
"""
    found = found_in(suite(Framework.JUNIT, ("bank/ATest.java", source), ("ATest.kt", source)))
    assert found == tuple(f"bank.small.ATest.{name}" for name in ("one", "two", "three"))


@given(st.text(alphabet="@Test(){}\"'\\/* \npublicvoid", max_size=300))
def test_whatever_is_sent_as_java_is_read(source: str) -> None:
    assert isinstance(found_in(suite(Framework.JUNIT, ("A.java", source.encode()))), tuple)


@pytest.mark.parametrize(
    ("framework", "path", "source"),
    [
        (Framework.GO, "a_test.go", b"func TestMain(m *testing.M) {}"),
        (Framework.CARGO, "a.rs", b"use solution::*;"),
        (Framework.CARGO, "a.rs", b"use ::solution::{\n    total, inner::*,\n};"),
        (Framework.CARGO, "a.rs", b"\xff"),
        (Framework.JUNIT, "ATest.java", b"\xff"),
        (Framework.JUNIT, "ATest.java", b"@RunWith(Parameterized.class) class ATest {}"),
        (Framework.JUNIT, "ATest.java", b"import org.junit.jupiter.api.Test;"),
    ],
)
def test_it_refuses_what_would_be_judged_otherwise(framework: Framework, path: str, source: bytes) -> None:
    with pytest.raises(Unreadable):
        found_in(suite(framework, (path, source)))
