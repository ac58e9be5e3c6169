"""`python -m workers caches`: make what compilers are given to save them time, as far as it is not there.

Needs neither PostgreSQL nor Redis. What it compiles comes with the platform, so that it may be watched by sampling on
any host.
"""

from pathlib import Path

import click

from domain.languages import Languages
from domain.settings import TREE
from sandbox import Sandbox, SandboxConfig, SandboxError
from workers import host, prepared


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--state", envvar="SHIPD_STATE_DIR", type=click.Path(path_type=Path), default=Path("var"))
@click.option("--folder", envvar="SHIPD_CACHE_DIR", type=click.Path(path_type=Path), help="Default: caches in --state.")
@click.option("--configs", envvar="SHIPD_JAIL_CONFIGS", type=click.Path(path_type=Path), default=TREE / "jail-configs")
@click.option("--check", is_flag=True, help="Make nothing: say what is there, and exit with 1 where something is not.")
def main(state: Path, folder: Path | None, configs: Path, *, check: bool) -> None:
    """Make what compilers are given to save them time, as far as it is missing, damaged or of another compiler."""
    languages = Languages.load(configs / "languages")
    root = folder if folder is not None else state / "caches"
    wanted = list(prepared.wanted(root, languages, host.look(languages).toolchains))
    failed = False
    for one in wanted:
        try:
            said = _look(one) if check else _make(state, configs, one)
        except (SandboxError, OSError) as error:
            said, failed = str(error), True
        failed = failed or said not in {"ready", "made"}
        click.echo(f"{one.name}: {said}")
    raise SystemExit(1 if failed else 0)


def _look(one: prepared.Wanted) -> str:
    return prepared.fault(one.folder) or "ready"


def _make(state: Path, configs: Path, one: prepared.Wanted) -> str:
    if prepared.fault(one.folder) is None:
        return "ready"
    config = SandboxConfig("caches", state, configs, cgroups="none")
    prepared.make(Sandbox(config), one)
    return "made"
