"""What is open for long: events as they happen, and answers that are waited for.

A connection that may be open for long is given to the stream process (`streams/`), which runs this same application:
`giving` is the API's side of it, `serving` the other. Where there is no stream process, `?wait` holds a thread of the
API, and events are refused for the moment.
"""
