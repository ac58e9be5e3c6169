"""The second process behind the API's port: it serves what is open for long, on connections that the API gives it.

Nothing here imports `app`, `domain` or anything that talks to a server: gevent must have replaced Python's sockets and
threads before such a module is loaded, and gunicorn imports the worker's class long before. The application comes as
WSGI, the same `app.wsgi:application` as in the API's process.

    API process                         private unix socket                       stream process
      head read, key checked   ──── head, what to do, the client's socket ───▶   holds the socket, does nothing
      may it be answered here?  ◀───────────────── ready ─────────────────────
      lets go of the socket     ─────────────────── go ──────────────────────▶   answers, closes

Without `go` the stream process closes its copy and the API goes on as if nothing had been: an answer is never written
by both, whoever is killed or too slow.
"""

TAKEN = "shipd.taken"
"""In a WSGI environment: what the API process said beside the request's head. No header of a client comes to bear
this name: those are `HTTP_...`."""
