"""Measurements: what a run costs, and what it leaves behind. Nothing here is imported by the platform."""
