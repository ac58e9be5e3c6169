import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from domain import signing
from domain.settings import TREE

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = '{"a": "ä"}'.encode()


def test_a_library_of_others_verifies_it() -> None:
    secret = signing.new_secret()
    now = int(datetime.now(UTC).timestamp())

    made = signing.headers("one", now, BODY, [secret])

    assert Webhook(secret).verify(BODY, made) == {"a": "ä"}
    for wrong in (BODY + b" ", BODY.replace(b"a", b"b")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(wrong, made, json_parse=False)
    for header, other in (("webhook-id", "two"), ("webhook-timestamp", str(now + 1))):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(BODY, made | {header: other})


def test_each_of_two_secrets_verifies_it() -> None:
    both = [signing.new_secret(), "another one"]
    made = signing.headers("one", int(datetime.now(UTC).timestamp()), BODY, both)
    assert Webhook(both[0]).verify(BODY, made)
    assert Webhook(both[1].encode()).verify(BODY, made)
    assert len(made["webhook-signature"].split()) == 2


def test_a_text_is_its_own_key() -> None:
    assert signing.key_of("s3cret, ä") == "s3cret, ä".encode()


@pytest.mark.parametrize("secret", ["whsec_", "whsec_x", "whsec_QUJD", "whsec_" + "QUJD" * 22, "whsec_QUJD QUJD"])
def test_a_key_is_long_enough_and_base64(secret: str) -> None:
    with pytest.raises(signing.BadSecret) as refused:
        signing.key_of(secret)
    assert secret.removeprefix(signing.PREFIX) == "" or secret not in str(refused.value)


@pytest.mark.parametrize("secret", [signing.new_secret(), "another one"], ids=["ours", "a text"])
def test_the_example_of_the_documents_verifies_it(secret: str) -> None:
    document = (TREE / "docs" / "webhooks.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    named: dict[str, object] = {}
    exec(example, named)  # noqa: S102 - our own document
    verified: Callable[[str, dict[str, str], bytes], bool] = named["verified"]  # type: ignore[assignment]
    now = int(datetime.now(UTC).timestamp())

    made = signing.headers("one", now, BODY, [signing.new_secret(), secret])

    assert verified(secret, made, BODY)
    assert not verified(secret, made, BODY + b" ")
    assert not verified(secret, signing.headers("one", now - 600, BODY, [secret]), BODY)
