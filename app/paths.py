"""Names and paths of files within URLs."""

from werkzeug.routing import BaseConverter, PathConverter

from domain.problem_limits import ID


class Slug(BaseConverter):
    """The name of a problem."""

    regex = ID.pattern


class FilePath(PathConverter):
    """Any relative path that Linux knows, line breaks included."""

    regex = r"(?s:[^/].*?)"
