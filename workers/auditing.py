"""Chains the audit log, and tells the log of every entry: one line of JSON, `"event": "audit"`, on stderr."""

import logging

from domain import audit_chain
from domain.audit_chain import Link
from domain.audit_check import EVENT
from domain.db import Database
from domain.logging import insist, logger

NAME = "shipd.audit"
EVERY_S = 2.0
"""How often it is looked for what is not chained."""
MOST_ROUNDS = 50
"""After so many batches whatever is done by the same clock has its turn."""

log = logger(NAME)


def keep(database: Database) -> None:
    """Chain what is not chained, and log what is not logged. Raises Unavailable, OSError where that is not written."""
    # Whatever SHIPD_LOG_LEVEL says: the log is the copy that nobody with the database's password can change.
    logging.getLogger(NAME).setLevel(logging.INFO)
    insist(NAME)
    for _ in range(MOST_ROUNDS):
        chained = audit_chain.extend(database)
        told = audit_chain.tell(database, _tell)
        if not chained and not told:
            return


def _tell(link: Link) -> None:
    log.info(EVENT, entry=link.line)
