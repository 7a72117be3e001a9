"""A library on PostgreSQL with pgvector, for one that many machines use.

`database` has it read the SQL of the store; `words` and `vectors` say how it takes the steps of the keyword
and vector indexes, which SQLite has extensions for.
"""

from rag.store.postgres import vectors, words  # noqa: F401  (they say so when they are imported)
from rag.store.postgres.database import PostgresDatabase

__all__ = ["PostgresDatabase"]
