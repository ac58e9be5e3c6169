"""What each means of compiling faster is worth: `python -m benchmarks.compiling [--rounds 7] [LANGUAGE...]`.

Every variant compiles the same small program in real jails, in turn, round after round, so that what else the machine
does falls on all alike; the first round is thrown away. CPU time is the control group's; ratios are of medians, to the
first variant, which is the compiler without any of it. Needs what `python -m workers caches` made.
"""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import click

from domain.languages import Languages
from domain.model import File, Submission, TestCase
from domain.settings import TREE
from sandbox import Sandbox, SandboxConfig
from sandbox.reach import reachable
from workers import host, prepared
from workers.compile import Compiled, compile_submission
from workers.prepare import Plan, plan

ADDS = b"int main() { long a, b; std::cin >> a >> b; std::cout << a + b << '\\n'; }\n"
SORTS = b"""using namespace std;
int main() {
    int n; vector<int> v; map<string, int> seen;
    while (cin >> n) v.push_back(n), seen[to_string(n)]++;
    sort(v.begin(), v.end());
    for (int x : v) cout << x << ' ' << seen[to_string(x)] << endl;
}
"""
GO = b"""package main
import ("bufio"; "fmt"; "os"; "sort")
func main() {
    in := bufio.NewReader(os.Stdin)
    var v []int
    for { var x int; if _, err := fmt.Fscan(in, &x); err != nil { break }; v = append(v, x) }
    sort.Ints(v)
    for _, x := range v { fmt.Println(x) }
}
"""
JAVA = b"""import java.util.*;
public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        List<Integer> v = new ArrayList<>();
        while (in.hasNextInt()) v.add(in.nextInt());
        v.stream().sorted().forEach(x -> System.out.println(x));
        Map<String, Integer> seen = new HashMap<>();
        seen.merge("a", 1, Integer::sum);
    }
}
"""
RUST = b"""use std::collections::HashMap;
use std::io::*;
fn main() {
    let mut s = String::new();
    stdin().read_to_string(&mut s).unwrap();
    let mut v: Vec<i64> = s.split_whitespace().map(|x| x.parse().unwrap()).collect();
    v.sort();
    let mut seen = HashMap::new();
    for x in &v { *seen.entry(x).or_insert(0) += 1; println!("{}", x); }
    println!("{}", seen.len());
}
"""


@dataclass(frozen=True)
class Variant:
    """A way to compile a program: without some arguments of the language's file, with what was prepared or not."""

    language: str
    program: str
    name: str
    file: File
    without: tuple[str, ...] = ()
    prepared: bool = False


BITS = b"#include <bits/stdc++.h>\n"
ADDING, SORTING = File("main.cpp", BITS + ADDS), File("main.cpp", BITS + SORTS)
GO_FILE, JAVA_FILE, RUST_FILE = File("main.go", GO), File("Main.java", JAVA), File("main.rs", RUST)
JAVAC = (
    *("-J-Xmx1024m", "-J-Xms128m", "-J-Xmn96m", "-J-XX:ActiveProcessorCount={cpus}"),
    *("-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", "-J-XX:-UsePerfData", "-proc:none"),
)
RUSTC = ("-C", "codegen-units=1", "strip=debuginfo")
VARIANTS = (
    Variant("cpp", "a + b", "plain", ADDING),
    Variant("cpp", "a + b", "precompiled header", ADDING, prepared=True),
    Variant("cpp", "sort, map", "plain", SORTING),
    Variant("cpp", "sort, map", "precompiled header", SORTING, prepared=True),
    Variant("cpp@20", "sort, map", "plain", SORTING),
    Variant("cpp@20", "sort, map", "precompiled header", SORTING, prepared=True),
    Variant("java", "scanner, stream", "plain", JAVA_FILE, without=JAVAC),
    Variant("java", "scanner, stream", "C1, serial collector", JAVA_FILE, without=("-J-Xms128m", "-J-Xmn96m")),
    Variant(
        *("java", "scanner, stream", "and the class archive", JAVA_FILE),
        without=("-J-Xms128m", "-J-Xmn96m"),
        prepared=True,
    ),
    Variant("java", "scanner, stream", "and a heap of its size", JAVA_FILE, prepared=True),
    Variant("go", "sort", "plain", GO_FILE, without=("-ldflags=-s -w",)),
    Variant("go", "sort", "no debugger's tables", GO_FILE),
    Variant("go", "sort", "and the build cache", GO_FILE, prepared=True),
    Variant("rust", "sort, map", "plain", RUST_FILE, without=RUSTC),
    Variant("rust", "sort, map", "one unit, no debug info", RUST_FILE),
)


def planned(known: Languages, variant: Variant) -> Plan:
    """Make the plan, some arguments left out."""
    made = plan(known, Submission(variant.language, (variant.file,), None, (TestCase(0, "run"),)))
    language = made.language
    if language.compile is None:
        raise click.ClickException(f"{variant.language} is not compiled")
    step = language.compile.step
    argv = tuple(_without(step.argv, variant.without))
    language = replace(language, compile=replace(language.compile, step=replace(step, argv=argv)))
    return replace(made, choice=replace(made.choice, language=language))


def _without(argv: Sequence[str], dropped: tuple[str, ...]) -> Iterator[str]:
    for index, argument in enumerate(argv):
        follower = argv[index + 1] if index + 1 < len(argv) else ""
        # `-C` goes with what follows it.
        if argument not in dropped or (argument == "-C" and follower not in dropped):
            yield argument


def measure(sandbox: Sandbox, plans: Sequence[tuple[Plan, Path | None]], rounds: int) -> list[list[Compiled]]:
    """Compile all of them in turn, so many times and once more before."""
    found: list[list[Compiled]] = [[] for _ in plans]
    for number in range(rounds + 1):
        for (made, folder), results in zip(plans, found, strict=True):
            with sandbox.slot() as slot:
                compiled = compile_submission(sandbox, slot, made, folder)
            if number:
                results.append(compiled)
    return found


def _cpu_ms(compiled: Sequence[Compiled]) -> float:
    return statistics.median(one.usage.cpu_time_ms for one in compiled if one.usage is not None)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option("--state", type=click.Path(path_type=Path), default=TREE / "var", show_default=False)
@click.argument("languages", nargs=-1)
def main(rounds: int, state: Path, languages: tuple[str, ...]) -> None:
    """Compile small programs in every way and print medians."""
    configs = TREE / "jail-configs"
    known = Languages.load(configs / "languages")
    variants = [one for one in VARIANTS if not languages or one.language in languages]
    sandbox = Sandbox(SandboxConfig("benchmark", state, configs))
    with ExitStack() as stack:
        stack.callback(sandbox.forget)
        place = stack.enter_context(reachable(state / "caches", "benchmark", "prepared"))
        folders = prepared.find(place, known, host.look(known).toolchains)
        plans = []
        for variant in variants:
            made = planned(known, variant)
            name = f"{made.language.name}@{made.choice.version}"
            plans.append((made, folders[name] if variant.prepared else None))
        found = measure(sandbox, plans, rounds)
    base = 0.0
    for variant, compiled in zip(variants, found, strict=True):
        spent = _cpu_ms(compiled)
        base = spent if variant.name == "plain" else base
        memory = statistics.median((one.usage.memory_bytes or 0) >> 20 for one in compiled if one.usage is not None)
        size = sum(len(file.content) for file in compiled[0].files)
        click.echo(
            f"{variant.language:8} {variant.program:16} {variant.name:24} {spent:6.0f} ms  x {spent / base:.2f}"
            f"  {memory:5.0f} MiB  artifact {size:>9} B"
        )


if __name__ == "__main__":
    main()
