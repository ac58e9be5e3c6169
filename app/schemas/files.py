"""Files by path, and the sources of a submission."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Bytes, Choice, plain_text
from app.schemas.parts import CurrentRules, Items, Object, Part, Value, not_offered
from domain.model import File

MAX_PATH_BYTES = 4000
"""Linux takes 4095 for a whole path; the rest is room for the folder that the box stands in."""
MAX_COMPONENT_BYTES = 255
MAX_FILES = 1000
_SPECIAL_BITS = 0o7000
_PERMISSION_BITS = 0o777
_RELATIVE = "use a path relative to the box, such as src/main.py"


class RelativePath(Value[str]):
    """The path of a file within the box, or a pattern of such paths."""

    def __init__(self, *, required: bool = False) -> None:
        document = {"type": "string", "minLength": 1, "maxLength": MAX_PATH_BYTES, "example": "main.py"}
        super().__init__(document, required=required)

    def read(self, value: object) -> str:
        """Check the path."""
        path = plain_text(value)
        wrong = path_problem(path)
        if wrong is not None:
            raise ValidationError(wrong)
        return path


def path_problem(path: str) -> Complaint | None:
    """Say what is wrong with a path, if anything: nothing that could leave the box, nothing that Linux cannot hold."""
    if not path or path.startswith("/"):
        return Complaint(f"{shown(path)} is absolute" if path else "must not be empty", _RELATIVE)
    if path.endswith("/"):
        return Complaint(f"{shown(path)} ends in a slash", "name a file, not a folder; folders are made as needed")
    parts = path.split("/")
    if ".." in parts:
        return Complaint(f"{shown(path)} contains `..`", "name the file by its path within the box")
    if "." in parts or "" in parts:
        return Complaint(f"{shown(path)} contains an empty component or `.`", "leave out `./` and double slashes")
    if len(path.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_COMPONENT_BYTES for part in parts):
        message = f"is too long: at most {MAX_COMPONENT_BYTES} bytes a name, {MAX_PATH_BYTES} in all"
        return Complaint(message, "shorten it")
    return None


class Mode(Value[int]):
    """Permission bits: an integer, or octal digits in a string."""

    def __init__(self) -> None:
        document = {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": _PERMISSION_BITS},
                {"type": "string", "pattern": "^0?[0-7]{3}$"},
            ],
            "example": "0644",
        }
        super().__init__(document)

    def read(self, value: object) -> int:
        """Give the bits."""
        mode = _octal(value) if isinstance(value, str) else value
        hint = 'use "0644" or "0755", or the same as an integer (420, 493)'
        if not isinstance(mode, int) or isinstance(mode, bool) or not 0 <= mode <= (_SPECIAL_BITS | _PERMISSION_BITS):
            raise ValidationError(Complaint(f"{shown(value)} is not a file mode", hint))
        if mode & _SPECIAL_BITS:
            raise ValidationError(Complaint("setuid, setgid and sticky bits are refused", hint))
        return mode


def _octal(text: str) -> int | None:
    if not 3 <= len(text) <= 5 or any(digit not in "01234567" for digit in text):
        return None
    return int(text, 8)


class FilePart(Part):
    """One file with its content."""

    path = RelativePath(required=True)
    content = Bytes(required=True)
    mode = Mode()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> File:
        """Make the file."""
        return File(**data)  # type: ignore[arg-type]


class ExpectedFilePart(Part):
    """One file that the program is expected to write."""

    path = RelativePath(required=True)
    content = Bytes(required=True)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> File:
        """Make the file."""
        return File(**data)  # type: ignore[arg-type]


class Files(Items[object]):
    """A list of files, none of them twice and none of them another's folder."""

    def __init__(self, part: type[Part], *, required: bool = False) -> None:
        super().__init__(Object(part), most=MAX_FILES, required=required)

    def read(self, value: object) -> list[object]:
        """Read the files, and look for clashes among all of them, be they right otherwise or not."""
        clashes: dict[object, object] = {}
        if isinstance(value, list) and len(value) <= self.most:
            paths = [item.get("path") if isinstance(item, dict) else None for item in value]
            clashes.update({index: {"path": [complaint]} for index, complaint in path_clashes(paths).items()})
        try:
            files = super().read(value)
        except ValidationError as error:
            if isinstance(error.messages, dict):
                raise ValidationError(_merged(clashes, error.messages)) from None
            raise
        if clashes:
            raise ValidationError(clashes)
        return files


def _merged(clashes: dict[object, object], messages: dict[object, object]) -> dict[object, object]:
    """Put two kinds of messages on the same list together, member by member."""
    merged = clashes | messages
    for index in clashes.keys() & messages.keys():
        clash, message = clashes[index], messages[index]
        if isinstance(clash, dict) and isinstance(message, dict):
            merged[index] = clash | message
    return merged


def path_clashes(paths: Sequence[object], taken: Sequence[str] = ()) -> dict[int, Complaint]:
    """Find what cannot stand in one tree: a path given before (or `taken`), and a file where a folder must be."""
    seen = set(taken)
    folders = {str(folder) for path in taken for folder in PurePosixPath(path).parents}
    files = seen | {path for path in paths if isinstance(path, str)}
    found: dict[int, Complaint] = {}
    for index, path in enumerate(paths):
        if not isinstance(path, str) or len(path) > MAX_PATH_BYTES:
            continue
        parents = {str(folder) for folder in PurePosixPath(path).parents}
        if path in seen:
            found[index] = Complaint(f"{shown(path)} is there twice", "give every file a path of its own")
        elif path in folders or parents & files:
            found[index] = Complaint(f"{shown(path)} would be both a file and a folder", "rename one of the two")
        seen.add(path)
    return found


@dataclass(frozen=True)
class Source:
    """The sources as sent. A single file of `code` may have no name yet: the language has one for it."""

    files: tuple[File, ...]
    filename: str | None = None
    unnamed: bool = False

    def named(self, default: str) -> tuple[File, ...]:
        """Give the files, the unnamed one under the language's default."""
        return (File(default, self.files[0].content),) if self.unnamed else self.files


class CodeSource(Part):
    """One source file."""

    type = Choice("code", required=True)
    filename = RelativePath()
    content = Bytes(required=True)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Source:
        """Make the source."""
        content, filename = data["content"], data.get("filename")
        assert isinstance(content, bytes)  # noqa: S101 - by its field
        if filename is None:
            return Source((File("", content),), unnamed=True)
        return Source((File(str(filename), content),), filename=str(filename))


class FilesSource(Part):
    """Many source files."""

    type = Choice("files", required=True)
    files = Files(FilePart, required=True)

    @post_load
    def make(self, data: Mapping[str, tuple[File, ...]], **_: object) -> Source:
        """Make the source."""
        if not data["files"]:
            raise ValidationError({"files": [Complaint("must not be empty", "send at least one source file")]})
        return Source(tuple(data["files"]))


class Sources(Value[Source]):
    """The sources of a submission, by type, within the size that the caller may send."""

    KNOWN: ClassVar[Mapping[str, tuple[str, Part]]] = {
        "code": ("content", CodeSource()),
        "files": ("files", FilesSource()),
    }
    LATER = ("archive", "git")

    def __init__(self, *, required: bool = False) -> None:
        names = ("CodeSource", "FilesSource")
        super().__init__({"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}, required=required)

    def read(self, value: object) -> Source:
        """Read it by its type."""
        if not isinstance(value, dict):
            raise ValidationError(Complaint("must be a JSON object", 'write {"type": "code", "content": "..."}'))
        kind = value.get("type")
        hint = "use one of " + ", ".join(self.KNOWN)
        if kind in self.LATER:
            raise ValidationError({"type": not_offered(f"{kind} sources are not built yet: {hint}").messages})
        if not isinstance(kind, str) or kind not in self.KNOWN:
            raise ValidationError({"type": [Complaint(f"{shown(kind)} is no source type", hint)]})
        place, part = self.KNOWN[kind]
        source: Source = part.load(value)
        self._check_size(source, place)
        return source

    def most_bytes(self) -> tuple[int, str]:
        """Give the most that all sources may hold together, and whose bound that is; a hint behind a semicolon."""
        return CurrentRules.get().max_source_bytes, "of this key; shorten them, or ask the operator for a service key"

    def _check_size(self, source: Source, place: str) -> None:
        size, (most, whose) = sum(len(file.content) for file in source.files), self.most_bytes()
        if size > most:
            bound, _, hint = whose.partition("; ")
            raise ValidationError(
                {place: [Complaint(f"the sources hold {size} bytes, more than the {most} {bound}", hint)]}
            )
