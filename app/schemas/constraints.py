"""Constraints of a submission."""

from collections.abc import Mapping
from dataclasses import replace

from marshmallow import ValidationError, post_load, validates_schema

from app.schemas.complaints import Complaint
from app.schemas.fields import Flag, Limit
from app.schemas.network import RulePart
from app.schemas.parts import CurrentRules, Items, Object, Part
from domain.limits import Constraints
from domain.network import MAX_RULES


class Network(Flag):
    """The wish for a network, for keys that carry the permission."""

    def read(self, value: object) -> bool:
        """Check the caller's permission."""
        wanted = super().read(value)
        if wanted and not CurrentRules.get().network:
            hint = "leave it out, or ask an operator for a key made with `shipd keys create --network`"
            raise ValidationError(Complaint("this key may not use the network", hint))
        return wanted


class LimitsPart(Part):
    """What one test case may spend, without a network."""

    timeout_ms = Limit("timeout_ms", description="CPU time of one test case.")
    wall_timeout_ms = Limit("wall_timeout_ms", description="Default: 2 x timeout_ms + 1000.")
    memory_mb = Limit("memory_mb")
    cpu_millicores = Limit("cpu_millicores")
    disk_mb = Limit("disk_mb", description="Default: min(64, memory_mb / 2).")
    output_kb = Limit("output_kb", description="Of stdout and stderr, each; where given, of each file written too.")
    processes = Limit("processes")


class ConstraintsPart(LimitsPart):
    """What one test case may spend; a deployment may lower defaults and ceilings."""

    network_enabled = Network()
    network_rules = Items(
        Object(RulePart),
        most=MAX_RULES,
        description="What may be reached; left out, everything public. Private addresses and the platform never are.",
    )

    @validates_schema
    def check_rules(self, data: dict[str, object], **_: object) -> None:
        """Rules are for programs with a network."""
        if "network_rules" in data and not data.get("network_enabled"):
            complaint = Complaint("stands without network_enabled", "set network_enabled to true, or leave it out")
            raise ValidationError({"network_rules": [complaint]})

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Constraints:
        """Fill in this deployment's defaults."""
        if isinstance(rules := data.get("network_rules"), list):
            data["network_rules"] = tuple(rules)
        return filled_in(data)


def filled_in(given: Mapping[str, object]) -> Constraints:
    """Give what was asked for, and for the rest this deployment's defaults."""
    ranges = CurrentRules.get().ranges
    defaults = {name: allowed.default for name, allowed in ranges.items()}
    # A file may be as large as the box unless the request itself says how much output there may be.
    made = Constraints(**{**defaults, **given}, file_kb=given.get("output_kb"))  # type: ignore[arg-type]
    # The rule for what nobody asked for does not know of ceilings.
    most = ranges.disk_mb.ceiling
    return made if made.disk_limit_mb <= most else replace(made, disk_mb=most)
