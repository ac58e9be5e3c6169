"""The whole platform on one machine: embedded PostgreSQL and Valkey, a process manager, and `make up`.

It starts the other packages as processes and may import `domain` and `migrations`; nothing imports it but tests.
This file, `preflight.py` and `toolchains.py` run before anything is installed: they use the standard library only.
"""
