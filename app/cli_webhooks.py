"""`shipd webhooks`: who is told, how that went, and telling it again."""

from contextlib import closing
from uuid import UUID

import click

from app.cli_parts import as_json, database, print_json, print_table, read_settings, told
from app.schemas.webhook_answers import delivery_json, webhook_json
from domain import deliveries, outbox, queue
from domain import webhooks as endpoints
from domain.deliveries import DeliveryState


@click.group()
def webhooks() -> None:
    """See who is told when an execution is over, and how that went."""


@webhooks.command("list")
@as_json
@told
def list_webhooks(*, as_json: bool) -> None:
    """List the endpoints of everybody; secrets cannot be shown."""
    with database() as db:
        found = [webhook_json(one) | {"owner_id": str(one.owner_id)} for one in endpoints.listing(db, None)]
    if as_json:
        print_json({"webhooks": found})
        return
    columns = ("id", "owner_id", "url", "events", "enabled", "disabled_reason", "created_at")
    print_table("Webhooks", columns, [[one[column] for column in columns] for one in found])


@webhooks.command("deliveries")
@click.option("--webhook", "webhook_id", type=click.UUID, help="Of one endpoint only.")
@click.option("--state", type=click.Choice([state.value for state in DeliveryState]), help="In one state only.")
@click.option("--last", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@as_json
@told
def list_deliveries(webhook_id: UUID | None, state: str | None, last: int, *, as_json: bool) -> None:
    """List deliveries, newest first, each with its last attempt; --json shows all attempts.

    Example: shipd webhooks deliveries --state failed
    """
    only = None if state is None else DeliveryState(state)
    with database() as db:
        found = deliveries.latest(db, last, only=only, webhook_id=webhook_id)
    if as_json:
        print_json({"deliveries": [delivery_json(one) for one in found]})
        return
    rows = []
    for one in found:
        end = one.attempts[-1] if one.attempts else None
        tried = (len(one.attempts), end.status if end else None, end.error if end else None)
        rows.append((one.id, one.created_at.isoformat(" ", "seconds"), one.event, one.state, *tried, one.submission_id))
    print_table("Deliveries", ("id", "created_at", "event", "state", "attempts", "status", "error", "submission"), rows)


@webhooks.command("redeliver")
@click.argument("delivery_id", type=click.UUID)
@as_json
@told
def redeliver(delivery_id: UUID, *, as_json: bool) -> None:
    """Deliver DELIVERY_ID again from now on, under the same id."""
    with database() as db, closing(queue.make_celery(read_settings())) as celery:
        delivery = deliveries.redeliver(db, delivery_id, None)
        outbox.deliver(celery, db, delivery_id)
    if as_json:
        print_json(delivery_json(delivery))
    else:
        click.echo(f"{delivery_id} is sent again.")
