# Builds the program as a crate that may do nothing unsafe, while no test is there to be read; then the tests as the
# crate that is run: its `main` (rust_first.rs) is the first to do anything, calls one test function, and says what
# became of it.
import os
import re
import shutil
import sys

from building import BOX, HERE, SUITE, files, name_nobody_knows, refuse, run, run_with_tests, text, write

RUSTC = "/usr/bin/rustc"
SAME = ["-O", "-C", "codegen-units=1", "-C", "strip=debuginfo"]
MADE = os.path.join(HERE, "made")
ATTRIBUTE = r"#\[(?:test|ignore|should_panic)\b[^\n\]]*\]"
FOREIGN = re.compile(r"\b(?:macro_export|no_mangle|export_name|link_section|link_name)\b")
TEST = re.compile(r"^((?:#\[[^\n]*\]\s*)*)(?:pub(?:\([^)]*\))?\s+)?fn\s+(\w+)\s*\(\s*\)", re.MULTILINE)
EXPECTED = re.compile(r"#\[should_panic\s*(?:\(\s*expected\s*=\s*(\"(?:\\.|[^\"\\])*\")\s*\)|=\s*(\"[^\"]*\"))?\s*\]")


def check():
    """Refuse macros that would be written out where the tests are and can read them there, and names for the linker."""
    for path in files(BOX):
        found = FOREIGN.search(text(path)) if path.endswith(".rs") else None
        if found is not None:
            refuse(f"{os.path.relpath(path, BOX)}: {found[0]} has no place in a program with unit tests")


def tests_in(source):
    """List the test functions of a file: name, whether it is ignored, and what it is to panic with."""
    for attributes, name in TEST.findall(source):
        if not re.search(r"^#\[test\]", attributes, re.MULTILINE):
            continue
        panics = EXPECTED.search(attributes)
        part = "" if panics is None else panics[1] or panics[2] or '""'
        expected = f"Some({part})" if part else "None"
        yield name, re.search(r"#\[ignore\b", attributes) is not None, expected


def with_caller(source, file, secret):
    """Take the attributes off its tests, each with a blank in its place, and let them be called by name."""
    arms = "".join(f'        "{file}::{name}" => crate::ended({name}()),\n' for name, _, _ in tests_in(source))
    plain = re.sub(rf"^{ATTRIBUTE}", "", source, flags=re.MULTILINE)
    unknown = '_ => Err("there is no such test".into()),'
    head = f"pub fn {secret}(name: &str) -> ::std::result::Result<(), ::std::string::String>"
    return f"{plain}\n{head} {{\n    match name {{\n{arms}        {unknown}\n    }}\n}}\n"


def whole(suite, secret):
    """Write the root of the tests' crate."""
    parts = [text(os.path.join(HERE, "rust_first.rs"))]
    parts += [f'#[path = "{file}"]\nmod m{number};\n' for number, file in enumerate(suite)]
    arms = "".join(
        f'"{file}::{name}" => (m{number}::{secret}, {str(ignored).lower()}, {panics}),\n'
        for number, (file, source) in enumerate(suite.items())
        for name, ignored, panics in tests_in(source)
    )
    parts.append(f"fn find(name: &str) -> Option<Test> {{\nSome(match name {{\n{arms}_ => return None,\n}})\n}}\n")
    return "\n".join(parts)


def main():
    entry, *flags = sys.argv[1:]
    secret = name_nobody_knows()
    texts = {os.path.relpath(path, SUITE): text(path) for path in files(SUITE)}
    shutil.rmtree(SUITE)
    check()
    library = os.path.join(HERE, "libsolution.rlib")
    safe = ["-F", "unsafe_code", "-A", "dead_code"]
    run([RUSTC, *flags, *SAME, *safe, "--crate-name", "solution", "--crate-type", "rlib", "-o", library, f"./{entry}"])
    with_tests = [path for path in texts if "/" not in path and path.endswith(".rs") and [*tests_in(texts[path])]]
    suite = {path: texts[path] for path in with_tests}
    for path, source in texts.items():
        write(os.path.join(MADE, path), with_caller(source, path, secret) if path in suite else source)
    write(os.path.join(MADE, f"{secret}.rs"), whole(suite, secret))
    linked = ["--cfg", "test", "-A", "dead_code", "--extern", f"solution={library}", "-C", "linker=/usr/bin/gcc"]
    out = ["--crate-name", "tests", "--crate-type", "bin", "-o", os.path.join(BOX, "a.out"), f"{secret}.rs"]
    brief = ["--error-format=short", "--cap-lints=allow"]
    run_with_tests([RUSTC, *flags, *SAME, *brief, *linked, *out], MADE, bool)


main()
