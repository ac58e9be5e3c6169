"""What figures were measured on: enough to compare them with others, nothing that tells whose machine it is."""

import os
import platform
from pathlib import Path

import psutil

from benchmarks import groups

GIB = 1 << 30


def describe() -> dict[str, str]:
    """Describe this machine."""
    return {
        "CPU": cpu_model(Path("/proc/cpuinfo").read_text()),
        "CPUs": str(len(os.sched_getaffinity(0))),
        "memory": f"{psutil.virtual_memory().total / GIB:.0f} GiB",
        "kernel": os.uname().release,
        "cgroups": groups.version(),
        "Python": platform.python_version(),
    }


def cpu_model(cpuinfo: str) -> str:
    """Find the name of the first CPU; `unknown` where the kernel tells none (pure)."""
    known = [line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")]
    return known[0] if known else "unknown"
