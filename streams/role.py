"""Which of the two processes this is, for the application that both have."""

_streams: list[bool] = []


def serve_streams() -> None:
    """Say that this is the stream process: before the application is loaded."""
    _streams.append(True)


def serves_streams() -> bool:
    """Ask."""
    return bool(_streams)
