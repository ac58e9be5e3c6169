"""Celery workers: claim an execution, prepare, compile, run each test case, check, record, finish; deliver webhooks.

`workers` serves no HTTP and never imports `app`; it meets the API in `domain` only, and confines programs through
`sandbox` only. `grade` is the page to read first; `check` and `java_main` are pure. What it sends over HTTP
goes through `outgoing` only.
"""
