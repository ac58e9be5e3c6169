"""Hosts on their way out, and as OpenAPI tells of them: what each has, how it is, and whether it takes anything new."""

from collections.abc import Sequence
from dataclasses import asdict

from marshmallow import Schema, fields

from app.schemas.documents import word
from app.schemas.response import Json, time_json
from domain.hosts import Host, Standing


class LoadAnswer(Schema):
    """How a host was at its last heartbeat."""

    slots_busy = fields.Integer(required=True, metadata={"description": "Of its slots, those somebody holds."})
    load_1m = fields.Float(
        required=True, metadata={"description": "Processes that ran or wanted to, on average over a minute."}
    )
    cpu_percent = fields.Float(required=True, metadata={"description": "Of all its CPUs, since the heartbeat before."})
    memory_available_bytes = fields.Integer(required=True, allow_none=True)
    disk_free_bytes = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Where it keeps its state."}
    )
    ready = fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Jails that stand ready, by language; `plain`: with nothing started in them."},
    )
    executions = fields.Integer(
        required=True, metadata={"description": "Attempts that ended there within five minutes."}
    )
    failures = fields.Integer(
        required=True,
        metadata={"description": "Of these, what the sandbox failed at, or was lost with its process."},
    )


class HostAnswer(Schema):
    """A host.

    It is `live` and takes work; `draining`: nothing new, but something may be at work there; `drained`: its worker
    takes nothing and holds nothing; or `gone`: it was not heard of for half a minute.
    """

    name = fields.String(required=True)
    region = fields.String(required=True)
    standing = word([*Standing])
    live = fields.Boolean(required=True, metadata={"description": "Whether it was heard of within half a minute."})
    seen_at = fields.DateTime(required=True)
    draining_at = fields.DateTime(required=True, allow_none=True)
    drained_at = fields.DateTime(required=True, allow_none=True)
    slots = fields.Integer(required=True)
    memory_bytes = fields.Integer(required=True)
    disk_bytes = fields.Integer(required=True, allow_none=True)
    arch = fields.String(required=True)
    cost = fields.Float(required=True, metadata={"description": "Of an hour, in the operator's own unit."})
    root = fields.Boolean(required=True, metadata={"description": "Whether boxes can lie on disk there."})
    network = fields.Boolean(required=True, metadata={"description": "Whether programs can have a network there."})
    languages = fields.Dict(required=True, keys=fields.String(), values=fields.String())
    blob_store = fields.String(required=True, allow_none=True)
    load = fields.Nested(LoadAnswer, required=True)  # type: ignore[assignment]


class HostsAnswer(Schema):
    """All hosts that ever had a worker, by name."""

    hosts = fields.List(fields.Nested(HostAnswer), required=True)


def hosts_json(found: Sequence[Host]) -> Json:
    """Give all of them."""
    return {"hosts": [host_json(one) for one in found]}


def host_json(one: Host) -> Json:
    """Give a host."""
    said = one.report
    return {
        "name": said.name,
        "region": said.region,
        "standing": one.standing.value,
        "live": one.live,
        "seen_at": time_json(one.seen_at),
        "draining_at": time_json(one.draining_at),
        "drained_at": time_json(one.drained_at),
        "slots": said.cpus,
        "memory_bytes": said.memory_bytes,
        "disk_bytes": said.disk_bytes,
        "arch": said.arch,
        "cost": said.cost,
        "root": said.root,
        "network": said.network,
        "languages": dict(said.languages),
        "blob_store": said.blob_store,
        "load": asdict(one.load),
    }
