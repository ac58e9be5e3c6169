"""What the hot statements look into: of many partitions one, however the statement is planned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest

from benchmarks.looking import Look, looks
from domain import partitions
from domain.blobs import BlobStore
from domain.db import Database
from domain.views import SubmissionView
from tests.integration.domain.test_partitions import grade
