"""`shipd problem`: packages in and out of a platform. Whether they are right: `app/cli_verify`."""

from pathlib import Path

import click

from app.cli_packages import checked, print_findings, problem_ids, zipped
from app.cli_parts import as_json, print_json, print_table
from app.cli_remote import connected, told
from app.cli_verify import verify_package

existing = click.Path(exists=True, path_type=Path)


@click.group()
def problem() -> None:
    """Bring problem packages to a platform, and verify them: of Kattis and the ICPC, legacy and 2023-07.

    Where: SHIPD_URL and SHIPD_API_KEY.
    """


problem.add_command(verify_package)


@problem.command("import")
@click.argument("package", type=existing)
@click.option("--id", "problem_id", type=problem_ids, help="Of the problem; by default the name of PACKAGE.")
@click.option("--time-limit-ms", type=click.IntRange(1), help="Where the package says none.")
@as_json
@told
def import_package(package: Path, problem_id: str | None, time_limit_ms: int | None, *, as_json: bool) -> bool:
    """Send PACKAGE, a folder or a zip, as a problem, or as its next version; exits with 1 where it is refused.

    Example: shipd problem import hello/
    """
    with connected() as api, zipped(package) as packed:
        own_id = problem_id or problem_ids.convert(_id_of(package), None, None)
        sent = api.put_package(own_id, packed, timeout_ms=time_limit_ms)
        state, findings = checked(api, sent)
    if as_json:
        print_json({**sent, "state": state, "report": findings})
    else:
        print_findings(findings)
        click.echo(f"{sent['id']}  version {sent['version']}  {state}  {sent['test_cases']} test cases")
    return state == "ready"


@problem.command("export")
@click.argument("problem_id", type=problem_ids)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json
@told
def export_package(problem_id: str, file: Path, *, as_json: bool) -> bool:
    """Write a problem as a package of 2023-07 into FILE, a zip.

    Example: shipd problem export hello hello.zip
    """
    with connected() as api:
        file.write_bytes(api.download(f"/v1/problems/{problem_id}/package"))
    if as_json:
        print_json({"id": problem_id, "file": str(file), "size_bytes": file.stat().st_size})
    return True


@problem.command("list")
@as_json
@told
def list_problems(*, as_json: bool) -> bool:
    """List the problems that you may submit to or that are yours."""
    found, cursor = [], None
    with connected() as api:
        while True:
            page = api.problems(cursor=cursor)
            found.extend(page["problems"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
    if as_json:
        print_json({"problems": found})
    else:
        rows = [(one["id"], one.get("title"), one.get("visibility")) for one in found]
        print_table("Problems", ("id", "title", "visibility"), rows)
    return True


@problem.command("show")
@click.argument("problem_id", type=problem_ids)
@as_json
@told
def show_problem(problem_id: str, *, as_json: bool) -> bool:
    """Show a problem as the API tells of it."""
    with connected() as api:
        found = api.problem(problem_id)
    if as_json:
        print_json(found)
    else:
        print_table(problem_id, ("", ""), [(name, value) for name, value in found.items() if value or value == 0])
    return True


def _id_of(package: Path) -> str:
    name = package.resolve().name
    return name.removesuffix(".zip").removesuffix(".kpp").lower().replace(" ", "-")
