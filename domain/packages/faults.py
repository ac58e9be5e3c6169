"""How a package is refused."""

from domain.errors import InvalidRequest, Problem


def refused(where: str, message: str, hint: str = "") -> InvalidRequest:
    """Make the refusal of a package: the path or key, what is wrong, what to do."""
    return InvalidRequest(Problem(f"package/{where}" if where else "package", message, hint))
