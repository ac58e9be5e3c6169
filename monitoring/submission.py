"""Where a submission's time goes, and where to look for one of them."""

from monitoring.panel import Board, Panel, Row, quantiles, rate

_ONE = """Metrics tell of all submissions; of one, ask:

| what | where |
|---|---|
| how it stands, verdicts, usage, phases | `GET /v1/submissions/${submission}`, and its `executions` |
| where it ran, each attempt, who was lost | `shipd executions show ${execution}` |
| what happens now | `GET /v1/submissions/${submission}/events` |
| its log lines, of all programs | `journalctl -t shipd -g ${execution}` |

The panels below say what is usual for each phase: compare."""
_PHASES = ("queue", "prepare", "compile", "run", "check", "collect")
_LIFE = Row(
    "One submission",
    [Panel("Where to look", "For the submission and execution named above.", {}, kind="text", text=_ONE)],
)
_STEPS = Row(
    "Its phases, as they usually are",
    [
        Panel(
            f"{name.capitalize()}",
            meaning,
            quantiles("execution_phase_seconds", "class", f'phase="{name}"'),
            "s",
            rare=name in {"compile", "check", "collect"},
        )
        for name, meaning in zip(
            _PHASES,
            (
                "From being queued to a worker that begins.",
                "Reading it, and making the plan.",
                "Compilers and static checks; the cache makes it short.",
                "Test cases: jails made and programs run.",
                "Comparing outputs, or asking the checker.",
                "Files that the program wrote.",
            ),
            strict=True,
        )
    ],
)
_WHOLE = Row(
    "The whole of it",
    [
        Panel(
            "Where the time goes",
            "Of a second of an execution, on average.",
            {
                "{{phase}}": f"{rate('execution_phase_seconds_sum', 'phase')} / on () group_left () "
                "sum(rate(execution_duration_seconds_count[$__rate_interval]))"
            },
            "s",
            "stacked",
        ),
        Panel(
            "Beside its own run",
            "What the platform adds, by class.",
            quantiles("execution_overhead_seconds", "class"),
            "s",
        ),
        Panel(
            "By language",
            "From queued to done.",
            quantiles("execution_duration_seconds", "language", of=(0.5, 0.95)),
            "s",
        ),
        Panel(
            "Jail by mode",
            "From asking for a jail to its program's start.",
            quantiles("jail_acquisition_duration_seconds", "mode", of=(0.5, 0.95)),
            "s",
        ),
    ],
)
SUBMISSION = Board(
    "shipd-submission",
    "Shipd: one submission's life",
    "Where its time goes, and where to look for one of them.",
    (_LIFE, _STEPS, _WHOLE),
    {"submission": "Submission id", "execution": "Execution id"},
)
