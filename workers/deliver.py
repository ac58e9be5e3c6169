"""Deliver one webhook: take a turn, claim, send, record. The row was written when the execution ended.

An attempt may be made twice, never at the same time: a process that is killed in between leaves a claim that ends.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from domain import __version__, attempts, counted, notices, signing, spans
from domain.attempts import Claimed, Tried
from domain.db import Database
from domain.logging import logger
from domain.spans import Kind
from domain.vault import Vault
from domain.webhook_settings import WebhookSettings
from domain.webhook_url import BadUrl, parse
from workers.outgoing import Answer, Refused, Sender, Unreached
from workers.turns import Turns

log = logger(__name__)


@dataclass(frozen=True)
class Deliverer:
    """What delivering needs; one per process, shared by its threads."""

    db: Database
    vault: Vault
    settings: WebhookSettings
    sender: Sender
    turns: Turns
    send_again: Callable[[UUID], None]
    """Puts a delivery behind all that waits in the queue."""

    def deliver(self, delivery_id: UUID) -> None:
        """Make the attempt that is due, if there is one and it has a turn. Raises Unavailable."""
        due = attempts.look(self.db, delivery_id)
        if due is None:
            log.info("delivery_not_due")
            return
        if not self.turns.begin(due):
            return
        try:
            self._attempt(delivery_id)
        finally:
            for waiting in self.turns.end(due):
                self.send_again(waiting)

    def _attempt(self, delivery_id: UUID) -> None:
        claimed = attempts.claim(self.db, self.vault, delivery_id)
        if claimed is None:
            return
        with spans.span("POST", {"http.request.method": "POST"}, Kind.CLIENT) as span:
            tried = self._try(claimed)
            span.set({"http.response.status_code": tried.status, "shipd.attempt": claimed.number})
            if tried.error:
                span.fail("not_taken")
        state = attempts.record(self.db, claimed, tried)
        counted.ATTEMPTS.add(_outcome(state, tried))
        counted.ATTEMPT_SECONDS.note(tried.duration_ms / 1000)
        log.info(
            "delivery_tried",
            number=claimed.number,
            state=state,
            status=tried.status,
            error=tried.error,
            duration_ms=tried.duration_ms,
        )

    def _try(self, claimed: Claimed) -> Tried:
        if claimed.disabled:
            return Tried(0, error="the webhook is disabled", ends=True)
        body = self._body(claimed)
        if body is None:
            return Tried(0, error="the execution was deleted", ends=True)
        began = time.monotonic()
        try:
            answer = self._send(claimed, body)
        except (BadUrl, Refused) as error:
            return Tried(_since(began), error=f"not called: {error}")
        except Unreached as error:
            return Tried(_since(began), error=str(error))
        return _judged(answer, _since(began))

    def _body(self, claimed: Claimed) -> bytes | None:
        if claimed.execution_id is None:
            return notices.of_webhook(claimed.webhook_id, claimed.created_at)
        ended = notices.read(self.db, claimed.execution_id)
        return None if ended is None else notices.of_execution(claimed.event, ended)

    def _send(self, claimed: Claimed, body: bytes) -> Answer:
        target = parse(claimed.url, self.settings)
        now = int(datetime.now(UTC).timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"shipd/{__version__}",
            **signing.headers(str(claimed.delivery_id), now, body, claimed.secrets),
        }
        return self.sender.post(target, headers, body)


def _outcome(state: str | None, tried: Tried) -> str:
    """Say what an attempt is counted as: `waiting` deliveries are tried again."""
    return "delivered" if tried.error is None else "failed" if state == "failed" else "retried"


def _judged(answer: Answer, duration_ms: int) -> Tried:
    """Say what an answer means: any 2xx is taken, 410 ends it for good, all else is a failure."""
    text = answer.body.decode("utf-8", "replace")
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Tried(duration_ms, answer.status, answer=text)
    redirected = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
    why = "redirects are not followed" if redirected else "only 2xx means that it was taken"
    error = f"the receiver answered {answer.status}; {why}"
    return Tried(duration_ms, answer.status, error, text, gone=answer.status == HTTPStatus.GONE)


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
