"""What may be spent: constraints, their defaults, floors and ceilings (pure).

The numbers are those of `docs/semantics.md`. A deployment may lower defaults and ceilings through its settings.
"""

from dataclasses import dataclass, field, fields

from domain.network import NetworkRule

TMPFS_DISK_MB = 256
"""Above min(this, memory_mb / 2) a box is a loop-mounted image instead of a tmpfs."""

MAX_TEST_CASES = 1000
MAX_PASSES = 100
MAX_TEST_GROUPS = 200
MAX_POINTS = 1_000_000
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 8
MAX_SHOWN_BYTES = 64 * 1024
"""Longer values are cut going out, with a link to the whole."""
MAX_SHOWN_TOGETHER_BYTES = 8 * 1024 * 1024
"""Once the outputs of an answer's test cases come to this, those of the cases that follow are cut shorter."""
MIN_SHOWN_BYTES = 1024
"""Then they are cut at this."""

INTERACTIVE_WALL_MS = 60_000
"""How long an interactive run that does not say may last: people type slowly, and a slot waits with them."""

EXECUTION_WALL_S = 3600
"""No execution lasts longer than this in all."""
VISIBILITY_TIMEOUT_S = 2 * EXECUTION_WALL_S
"""Redis hands a message out again after this long; it must exceed the longest execution."""


@dataclass(frozen=True)
class Range:
    """What is taken when nothing is said, and the least and the most that may be asked for."""

    default: int | None
    floor: int
    ceiling: int


@dataclass(frozen=True)
class Ranges:
    """The range of every constraint; a deployment may replace some (settings `SHIPD_MAX_*`, `SHIPD_DEFAULT_*`)."""

    timeout_ms: Range = field(default=Range(10_000, 10, 300_000))
    wall_timeout_ms: Range = field(default=Range(None, 10, 605_000))
    memory_mb: Range = field(default=Range(256, 4, 8192))
    cpu_millicores: Range = field(default=Range(1000, 50, 4000))
    disk_mb: Range = field(default=Range(None, 1, 10_240))
    output_kb: Range = field(default=Range(1024, 1, 65_536))
    processes: Range = field(default=Range(64, 1, 512))

    def items(self) -> list[tuple[str, Range]]:
        """List the constraints by name."""
        return [(f.name, getattr(self, f.name)) for f in fields(self)]


@dataclass(frozen=True)
class Constraints:
    """What one test case may spend. `wall_timeout_ms` and `disk_mb` are None where the rule for them applies."""

    timeout_ms: int = 10_000
    wall_timeout_ms: int | None = None
    memory_mb: int = 256
    cpu_millicores: int = 1000
    disk_mb: int | None = None
    output_kb: int = 1024
    processes: int = 64
    network_enabled: bool = False
    network_rules: tuple[NetworkRule, ...] | None = None
    """What may be reached; None: everything public. What `docs/semantics.md` calls denied never is."""
    file_kb: int | None = None
    """The largest file: `output_kb` where the request names it, None (what the box holds) where it does not."""

    def wall_limit_ms(self, timeout_ms: int | None = None) -> int:
        """Give the wall limit of a test case whose CPU limit is `timeout_ms` (default: the submission's)."""
        if self.wall_timeout_ms is not None:
            return self.wall_timeout_ms
        return 2 * (timeout_ms if timeout_ms is not None else self.timeout_ms) + 1000

    @property
    def disk_limit_mb(self) -> int:
        """The size of the box: as asked, else min(64, memory_mb / 2)."""
        return self.disk_mb if self.disk_mb is not None else min(64, self.memory_mb // 2)

    @property
    def disk_is_tmpfs(self) -> bool:
        """Whether the box fits the rule for a tmpfs; a larger one is a loop-mounted image, which needs root."""
        return self.disk_limit_mb <= min(TMPFS_DISK_MB, self.memory_mb // 2)

    @property
    def slots(self) -> int:
        """How many slots, and so CPUs, a jail takes: ceil(cpu_millicores / 1000)."""
        return -(-self.cpu_millicores // 1000)
