"""Celery workers: claim an execution, prepare, compile, run each test case, check, record, finish.

`workers` knows no HTTP and never imports `app`; it meets the API in `domain` only, and confines programs through
`sandbox` only. `grade` is the page to read first; `check` and `java_main` are pure.
"""
