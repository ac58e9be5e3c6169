"""The only package that knows the names of JSON keys: requests become domain types here, and views become answers.

`request.py` leads in, `response.py` leads out; `documents.py` says the same of answers to OpenAPI. No rule of grading
and no I/O lives here.
"""
