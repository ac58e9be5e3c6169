"""The sources of a submission, as the API takes them. Which kinds it offers is its own business."""

import base64
from collections.abc import Mapping
from pathlib import Path

Source = dict[str, object]


def code(text: str | bytes, filename: str | None = None) -> Source:
    """Give one source file."""
    return {"type": "code", "content": content(text), **({"filename": filename} if filename else {})}


def files(contents: Mapping[str, str | bytes]) -> Source:
    """Give several source files by their paths."""
    return {"type": "files", "files": [{"path": path, "content": content(text)} for path, text in contents.items()]}


def folder(path: Path) -> Source:
    """Give all regular files below a folder, with their permissions. Links are left out; raises OSError."""
    found = sorted(each for each in path.rglob("*") if each.is_file() and not each.is_symlink())
    listed = [
        {
            "path": each.relative_to(path).as_posix(),
            "content": content(each.read_bytes()),
            "mode": each.stat().st_mode & 0o777,
        }
        for each in found
    ]
    return {"type": "files", "files": listed}


def archive(data: bytes, form: str) -> Source:
    """Give an archive: `form` is `zip`, `tar`, `tar.gz` or `tar.zst`."""
    return {"type": "archive", "format": form, "data": {"base64": base64.b64encode(data).decode("ascii")}}


def git(url: str, *, branch: str | None = None, commit: str | None = None) -> Source:
    """Give a git repository, at a branch or commit."""
    chosen = {"branch": branch, "commit": commit}
    return {"type": "git", "url": url, **{name: value for name, value in chosen.items() if value is not None}}


def content(text: str | bytes) -> object:
    """Give text as it is and bytes as text where they are UTF-8, else in base64."""
    if isinstance(text, str):
        return text
    try:
        return text.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(text).decode("ascii")}
