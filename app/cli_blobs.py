"""`shipd blobs`: moving from one blob store to another."""

import os
from pathlib import Path

import click

from app.cli_exits import Exit
from app.cli_parts import as_json, print_json, read_settings, told
from domain import blob_settings, blob_stores
from domain.blob_folder import FolderBlobs
from domain.blob_s3 import S3Blobs
from domain.blobs import BlobDamaged, BlobMissing, BlobStore
from domain.environment import Reader


@click.group()
def blobs() -> None:
    """Look after long values: sources, inputs, outputs and artifacts, which lie in the blob store."""


@blobs.command("copy")
@click.option("--to", required=True, metavar="PLACE", help="s3://BUCKET/PREFIX, or a folder.")
@as_json
@told
def copy_blobs(to: str, *, as_json: bool) -> None:
    """Copy all blobs of this deployment's store to PLACE, each checked; what is there already is left alone.

    The way from a folder to S3: copy while the platform runs, stop API and workers, copy again, which takes moments,
    set SHIPD_BLOB_URL for all of them, start. Credentials and endpoint of S3 are SHIPD_S3_* or AWS_*, as for the
    platform. Compiled programs are not copied: they are made again. Exits with 1 where a blob is damaged.

    Example: shipd blobs copy --to s3://shipd/blobs
    """
    source, target = blob_stores.of(read_settings()), _place(to)
    if source.identity() == target.identity():
        raise click.UsageError(f"{to} is the store that the blobs are in")
    copied, there, wrong = _copy(source, target)
    if as_json:
        print_json({"copied": copied, "there": there, "damaged": wrong})
    else:
        click.echo(f"{copied} copied, {there} were there, {len(wrong)} are damaged or gone.")
        for sha256 in wrong:
            click.echo(f"damaged or gone: {sha256}", err=True)
    raise SystemExit(Exit.FAILED if wrong else Exit.DONE)


def _place(to: str) -> BlobStore:
    if "://" not in to:
        return FolderBlobs(Path(to))
    try:
        return S3Blobs(blob_settings.place(Reader(os.environ), to, "--to"))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _copy(source: BlobStore, target: BlobStore) -> tuple[int, int, list[str]]:
    from client import progress  # noqa: PLC0415 - it takes a tenth of a second, for which others need not wait

    copied, there, wrong = 0, 0, []
    known = dict(target.ids())
    every = list(source.ids())
    with progress.bar(len(every), "copied") as over:
        for sha256, size in every:
            if known.get(sha256) == size:
                there += 1
            elif _copy_one(source, target, sha256):
                copied += 1
            else:
                wrong.append(sha256)
            over(1)
    return copied, there, wrong


def _copy_one(source: BlobStore, target: BlobStore, sha256: str) -> bool:
    try:
        return target.put(source.get(sha256)) == sha256
    except (BlobMissing, BlobDamaged):
        return False
