"""The paths of files within URLs."""

from werkzeug.routing import PathConverter


class FilePath(PathConverter):
    """Any relative path that Linux knows, line breaks included."""

    regex = r"(?s:[^/].*?)"
