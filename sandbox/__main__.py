"""The sandbox by hand: `python -m sandbox run|doctor|build|syscalls`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from sandbox import Command, Jail, Limits, Room, RunResult, Sandbox, SandboxError, doctor, init
from sandbox.limits import MIB

TREE = Path(__file__).absolute().parent.parent
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--state", type=click.Path(path_type=Path), default=Path("var"), help="Folder for the built init and locks."
)
@click.option(
    "--configs", type=click.Path(path_type=Path, exists=True), default=TREE / "jail-configs", show_default=False
)
@click.option("--cgroups", type=click.Choice(["auto", "none"]), default="auto", help="`none`: sample instead.")
@click.option("--slots", type=click.IntRange(1), help="Jails at a time. Default: usable CPUs.")
@click.option("--host-memory", type=click.IntRange(64), help="MiB of all jails and the platform. Default: all.")
@click.option("--host-reserve", type=click.IntRange(0), help="MiB of that which are not for jails. Default: a tenth.")
@click.option("--host-disk", type=click.IntRange(0), help="MiB of all boxes on disk. Default: what is free, about.")
@click.option("--pool", type=click.IntRange(0), help="MiB of what stands ready in each process. Default: nothing does.")
@click.pass_context
def main(context: click.Context, /, state: Path, configs: Path, cgroups: str, **room: int | None) -> None:
    """Run programs that nobody trusts, one at a time, and see what became of them."""
    context.obj = doctor.default_config(state, configs, cgroups, **room)


@main.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def doctor_command(context: click.Context, *, as_json: bool) -> None:
    """Look at what this host offers and lacks. Exit code 1 where programs cannot be confined."""
    findings = doctor.examine(context.obj)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            mark = "ok  " if finding.ok else "FAIL" if finding.needed else "--  "
            click.echo(f"{mark} {finding.name}: {finding.detail}")
            if finding.fix:
                click.echo(f"     mend it with: {finding.fix}")
    sys.exit(0 if all(finding.ok or not finding.needed for finding in findings) else 1)


@main.command()
@click.pass_context
def build(context: click.Context) -> None:
    """Compile the init of the jails, unless that was done."""
    click.echo(init.build(context.obj.state_dir.resolve()))


@main.command()
@click.argument("argv", nargs=-1, required=True)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=EXISTING_FILE,
    help="Put into the box.",
)
@click.option("--policy", default="python", show_default=True, help="Seccomp policy, a file of jail-configs/seccomp/.")
@click.option("--cpu-ms", default=10_000, show_default=True)
@click.option("--wall-ms", default=21_000, show_default=True)
@click.option("--memory-mb", default=256, show_default=True)
@click.option("--output-kb", default=1024, show_default=True)
@click.option("--disk-mb", default=64, show_default=True)
@click.option("--processes", default=64, show_default=True)
@click.pass_context
def run(context: click.Context, /, argv: tuple[str, ...], files: tuple[Path, ...], policy: str, **ask: int) -> None:
    """Run ARGV in a jail with our stdin, and print the result as JSON.

    Example: echo 'print(6 * 7)' > main.py; python -m sandbox run --file main.py -- /usr/bin/python3 main.py
    """
    disk_bytes = ask["disk_mb"] * MIB
    limits = Limits(
        cpu_time_ms=ask["cpu_ms"],
        wall_time_ms=ask["wall_ms"],
        memory_bytes=ask["memory_mb"] * MIB,
        output_bytes=ask["output_kb"] * 1024,
        file_bytes=disk_bytes,
        processes=ask["processes"],
    )
    stdin = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    try:
        sandbox = Sandbox(context.obj)
        with sandbox.slot(1, Room(limits.memory_bytes)) as slot, sandbox.jail(slot, limits, disk_bytes) as jail:
            _fill(jail, files)
            result = jail.run(Command(argv, policy, stdin=stdin), limits)
    except SandboxError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(_shown(result), indent=2))


@main.command()
@click.argument("argv", nargs=-1, required=True)
@click.option("--file", "files", multiple=True, type=EXISTING_FILE, help="Put into the box.")
@click.option("--policy", default="strict", show_default=True, help="The policy that is asked what it lacks.")
@click.pass_context
def syscalls(context: click.Context, /, argv: tuple[str, ...], files: tuple[Path, ...], policy: str) -> None:
    """Print the calls that ARGV makes and a policy lacks, as lines for its [allow] table.

    For trusted programs only: whatever is missing is let through.

    Example: python -m sandbox syscalls --policy strict -- /usr/bin/python3 -c 'import socket; socket.socket()'
    """
    limits = Limits(60_000, 120_000, 2048 * MIB, 64 * MIB, 256 * MIB, 512)
    try:
        sandbox = Sandbox(context.obj, learning=True)
        with sandbox.slot(1, Room(limits.memory_bytes)) as slot, sandbox.jail(slot, limits, 256 * MIB) as jail:
            _fill(jail, files)
            result = jail.run(Command(argv, policy), limits)
    except SandboxError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"# {policy} lacks {len(result.denied_syscalls)} calls; it ended as {result.cause}", err=True)
    for name, times in sorted(result.denied_syscalls.items()):
        click.echo(f'{name} = "reason, please"  # {times} x')


def _fill(jail: Jail, files: tuple[Path, ...]) -> None:
    for path in files:
        jail.box.write(path.name, path.read_bytes(), path.stat().st_mode & 0o777)


def _shown(result: RunResult) -> dict[str, object]:
    text = {name: getattr(result, name).decode(errors="replace") for name in ("stdout", "stderr")}
    return {**asdict(result), **text}


if __name__ == "__main__":
    main()
