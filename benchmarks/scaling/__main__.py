"""`python -m benchmarks.scaling`."""

from benchmarks.scaling.report import main

main()
