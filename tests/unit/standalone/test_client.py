import pytest

from standalone import client, ports


def test_nobody_there_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="refused"):
        client.Client(f"http://127.0.0.1:{ports.choose(1)[0]}").get("/")


@pytest.mark.parametrize(("data", "body"), [(b"", {}), (b"<p>", {}), (b"[1]", {"": [1]}), (b'{"a": 1}', {"a": 1})])
def test_a_body_that_is_no_json_object_is_not_taken_for_one(data: bytes, body: dict[str, object]) -> None:
    assert client._json(data) == body
