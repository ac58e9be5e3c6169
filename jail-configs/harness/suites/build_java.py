# Builds the program while no test is there to be read; then its tests; then what runs one of them and says that it has
# passed: a module of its own (java/), which neither can look into.
import os
import re
import shutil
import zipfile

from building import BOX, HERE, SUITE, files, refuse, run, run_with_tests, text, write

JAVAC = [
    "/usr/lib/jvm/java-17-openjdk-amd64/bin/javac",
    "-J-Xms128m", "-J-Xmn96m", "-J-Xmx1024m", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1",
    "-J-XX:-UsePerfData", "-encoding", "UTF-8", "-proc:none",
]  # fmt: skip
PREPARED = "/opt/prepared/javac.jsa"
"""javac's own classes, where they were prepared: a third of its time."""
if os.path.exists(PREPARED):
    JAVAC += [f"-J-XX:SharedArchiveFile={PREPARED}", "-J-Xlog:disable"]
JUNIT = "/usr/share/java/junit4.jar:/usr/share/java/hamcrest.jar"
SYMBOLS = "/usr/lib/jvm/java-17-openjdk-amd64/lib/ct.sym"
"""The names of all of Java's own classes."""
LITERAL = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
OURS = re.compile(r"(?:junit|org/junit|org/hamcrest|shipd)/")
NAMED = re.compile(r"compiler\.err\.(?:cant\.resolve[\w.]*: kindname\.(\w+), (\w+)|(doesnt\.exist): ([\w.]+)$)")


def missing(message):
    """Say what name was not found; nothing of any other message."""
    found = NAMED.match(message)
    if found is None:
        return ""
    return f"cannot find package {found[4]}" if found[3] else f"cannot find {found[1]} {found[2]}"


def taken(texts):
    """List the names that tests have without importing each: of java.lang and of `import some.where.*`."""
    packages = {"java.lang"}
    for source in texts:
        packages.update(re.findall(r"\bimport\s+(\w+(?:\.\w+)*)\s*\.\s*\*\s*;", LITERAL.sub(" ", source)))
    inside = "|".join(re.escape(one.replace(".", "/")) for one in packages)
    named = re.compile(rf"(?:.*/)?(?:{inside})/(\w+)\.(?:sig|class)")
    names = {"java", "org"}
    for path in (SYMBOLS, *JUNIT.split(":")):
        with zipfile.ZipFile(path) as whole:
            names.update(found[1] for found in map(named.fullmatch, whole.namelist()) if found)
    return names


def check_names(texts):
    """Refuse a class of the program that tests of its package would take for one of Java's or JUnit's."""
    names, packages = taken(texts), {os.path.dirname(path) for path in classes(built("tests"))}
    for path in sorted(classes(built("program"))):
        name = os.path.basename(path).removesuffix(".class")
        if name in names and os.path.dirname(path) in packages:
            refuse(f"{path}: tests would take it for the {name} that they import with others: name it otherwise")


def sources(folder):
    return [f"./{os.path.relpath(path, folder)}" for path in files(folder) if path.endswith(".java")]


def classes(folder):
    return {os.path.relpath(path, folder) for path in files(folder)}


def built(name):
    return os.path.join(BOX, "classes", name)


def main():
    tests = os.path.join(HERE, "tests")
    texts = {os.path.relpath(path, SUITE): text(path) for path in files(SUITE) if path.endswith(".java")}
    shutil.rmtree(SUITE)
    shutil.rmtree(os.path.join(BOX, "classes"), ignore_errors=True)  # what the sources have there
    os.makedirs(built("program"))
    found = sources(BOX)
    if any(os.path.basename(path) == "module-info.java" for path in found):
        refuse("module-info.java: a program with unit tests is no module")
    if found:
        run([*JAVAC, "--limit-modules", "java.base", "-cp", built("program"), "-d", built("program"), *found])
    for one in sorted(filter(OURS.match, classes(built("program")))):
        refuse(f"{one}: is in a package of JUnit's")
    for path, source in texts.items():
        write(os.path.join(tests, path), source)
    modules = ["--limit-modules", "java.base,junit,org.hamcrest", "--add-modules", "junit,org.hamcrest", "-p", JUNIT]
    brief = ["-nowarn", "-XDrawDiagnostics", "-implicit:none", "-cp", built("program"), "-d", built("tests")]
    run_with_tests([*JAVAC, *modules, *brief, *sources(tests)], tests, bool, missing)
    for one in sorted(classes(built("program")) & classes(built("tests"))):
        refuse(f"{one}: is a class of the tests, too")
    check_names(texts.values())
    runner = os.path.join(HERE, "java")
    run([*JAVAC, "-nowarn", "-p", JUNIT, "-d", built("runner"), *sources(runner)], runner)


main()
