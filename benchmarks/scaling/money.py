"""What a million executions cost, from measured CPU time, memory and bytes, at prices that a reader replaces (pure)."""

from dataclasses import dataclass

from benchmarks.scaling.costs import Cost, Costs

MILLION = 1_000_000
MS_PER_HOUR = 3_600_000
PLATFORM = ("api", "stream", "celery", "grade", "postgresql", "redis", "flower", "beat", "deliver", "other")


@dataclass(frozen=True)
class Prices:
    """An example of 2026 for readers to replace: round figures, looked up nowhere, and nobody's offer."""

    vcpu_hour: float = 0.02
    gib_hour: float = 0.003
    gib_month: float = 0.05
    """Of disk under PostgreSQL."""
    busy: float = 0.6
    """Which part of the CPUs that are paid for has something to do."""

    @property
    def said(self) -> str:
        """Say them."""
        cpu = f"EUR {self.vcpu_hour:g} for a vCPU hour, {self.gib_hour:g} for a GiB hour of memory"
        return f"At {cpu}, {self.gib_month:g} for a GiB of disk a month, CPUs busy {self.busy:.0%} of the time:"


@dataclass(frozen=True)
class Bill:
    """What a million of one kind take, and cost."""

    platform_hours: float
    """Of CPU."""
    jail_hours: float
    memory_gib_hours: float
    disk_gib: float
    cpu_price: float
    memory_price: float
    disk_price: float
    """A month."""

    @property
    def price(self) -> float:
        """CPU and memory, once."""
        return self.cpu_price + self.memory_price


def bill(cost: Cost, costs: Costs, prices: Prices) -> Bill:
    """Reckon a million of one kind. Memory is what a slot's process has, for as long as it holds the slot."""
    platform = sum(cost.cpu_ms.get(name, 0.0) for name in PLATFORM)
    jails = max(cost.cpu_ms.get("jails", 0.0), 0.0)
    platform_hours, jail_hours = (each * MILLION / MS_PER_HOUR for each in (platform, jails))
    slot_gib = costs.memory_mb.get("grade", 0.0) / costs.slots / 1024
    held_s = costs.slots / cost.busy_per_s
    memory = slot_gib * held_s * MILLION / 3600 / prices.busy
    disk = max(cost.numbers.get("database_bytes", 0.0), 0.0) * MILLION / 2**30
    return Bill(
        platform_hours,
        jail_hours,
        memory,
        disk,
        (platform_hours + jail_hours) / prices.busy * prices.vcpu_hour,
        memory * prices.gib_hour,
        disk * prices.gib_month,
    )
