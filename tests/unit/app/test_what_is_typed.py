import pytest
from wsproto.frame_protocol import CloseReason

from app.live import typed
from app.live.typed import Allowance, RefusedError


def test_it_works() -> None:
    assert typed.read('{"type": "stdin", "data": "3 4\\n"}') == b"3 4\n"
    assert typed.read('{"type": "stdin", "data": {"base64": "/wA="}}') == b"\xff\x00"
    assert typed.read('{"type": "eof"}') is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("", CloseReason.INVALID_FRAME_PAYLOAD_DATA),
        ("stdin", CloseReason.INVALID_FRAME_PAYLOAD_DATA),
        ("[" * 30_000, CloseReason.INVALID_FRAME_PAYLOAD_DATA),
        ("[]", CloseReason.POLICY_VIOLATION),
        ("null", CloseReason.POLICY_VIOLATION),
        ('{"type": "resize"}', CloseReason.POLICY_VIOLATION),
        ('{"type": "stdin"}', CloseReason.POLICY_VIOLATION),
        ('{"type": "stdin", "data": 7}', CloseReason.POLICY_VIOLATION),
        ('{"type": "stdin", "data": {"base64": "!"}}', CloseReason.POLICY_VIOLATION),
        ('{"type": "stdin", "data": "\\ud800"}', CloseReason.POLICY_VIOLATION),
        ('{"type": "stdin", "data": "x", "to": "root"}', CloseReason.POLICY_VIOLATION),
        ('{"type": "eof", "data": ""}', CloseReason.POLICY_VIOLATION),
    ],
)
def test_anything_else_is_refused(said: str, code: CloseReason) -> None:
    with pytest.raises(RefusedError) as refused:
        typed.read(said)

    assert refused.value.code is code
    assert len(refused.value.reason.encode()) <= 123  # as much has room in the frame that closes


def test_too_many_messages_are_refused() -> None:
    allowance = Allowance()

    with pytest.raises(RefusedError):
        for _ in range(100 * typed.MESSAGES_AT_ONCE):
            allowance.take(1)


def test_too_many_bytes_are_refused() -> None:
    allowance = Allowance()
    for _ in range(typed.MAX_BYTES // typed.MAX_MESSAGE_BYTES):
        allowance.take(typed.MAX_MESSAGE_BYTES)

    with pytest.raises(RefusedError):
        allowance.take(1)
