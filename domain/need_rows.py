"""What a submission needs of a host, as its row says it."""

NEED = (
    "split_part(s.language, '@', 1), s.memory_mb, (s.cpu_millicores + 999) / 1000, s.needs_root, s.network_enabled,"
    " CASE WHEN s.needs_root THEN s.disk_mb ELSE 0 END"
)
"""The columns of a `Need`, of a submission `s`."""
NEEDS_THIS = f"({NEED}) = (%(language)s, %(memory_mb)s, %(cpus)s, %(root)s, %(network)s, %(disk_mb)s)"
"""Whether a submission `s` has the need whose `vars` are given."""
