# Builds the program while no test is there to be read; then its tests; then what runs one of them and says that it has
# passed: a module of its own (java/), which neither can look into.
import os
import re
import shutil

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
OURS = re.compile(r"(?:junit|org/junit|org/hamcrest|shipd)/")
NAMED = re.compile(r"compiler\.err\.(?:cant\.resolve[\w.]*: kindname\.(\w+), (\w+)|(doesnt\.exist): ([\w.]+)$)")


def missing(message):
    """Say what name was not found; nothing of any other message."""
    found = NAMED.match(message)
    if found is None:
        return ""
    return f"cannot find package {found[4]}" if found[3] else f"cannot find {found[1]} {found[2]}"


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
    runner = os.path.join(HERE, "java")
    run([*JAVAC, "-nowarn", "-p", JUNIT, "-d", built("runner"), *sources(runner)], runner)


main()
