from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from domain import signing

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
