"""What the API and the workers agree on: rows, states, verdicts, limits, languages, settings, queue, events, blobs.

This package knows neither Flask nor a jail: it imports nothing of `app`, `workers` or `sandbox`. Its pure modules
(`model`, `verdict`, `limits`, `languages`, `errors`) do no I/O but for reading the language files once.
"""

__version__ = "0.1.0"
