"""`v_vectors`: every vector of the library as JSON, in SQL that any SQLite runs without an extension."""

from __future__ import annotations

from rag.store.queries import Connection, per_engine, rows

VIEWS_SINCE = 10  # the schema version that brought it
MAX_DIMENSIONS = 4_096
TERMS = 400


def _byte(place: int, shift: int) -> str:
    """The SQL of one byte of `h`, four bytes in hexadecimal, shifted to its place in a number."""
    high, low = (f"(instr('0123456789ABCDEF', substr(h, {2 * place + half}, 1)) - 1)" for half in (1, 2))
    return f"(({high} << {shift + 4}) | ({low} << {shift}))"


_BITS = " | ".join(_byte(place, 8 * place) for place in range(4))
# IEEE 754: a sign, eight bits of exponent, 23 of fraction below a leading one. What is below 2^-39 comes out
# as nearly zero. LIMIT -1 has SQLite work out each inner value once: 3.7 ms for 384 dimensions, else 24.
_JSON = f"""(
    SELECT json_group_array(
        (CASE WHEN bits & 0x80000000 THEN -1.0 ELSE 1.0 END)
        * CASE bits & 0x7FFFFFFF WHEN 0 THEN 0 ELSE (bits & 0x7FFFFF) | 0x800000 END
        / (1 << max(0, min(62, 150 - ((bits >> 23) & 255))))
    )
    FROM (
        SELECT {_BITS} AS bits
        FROM (
            SELECT hex(substr(blob, 4 * i + 1, 4)) AS h FROM places WHERE 4 * i < length(blob) LIMIT -1
        ) LIMIT -1
    )
)"""
_ALL = """SELECT {id} AS embedding_id, passage_id, vector FROM vectors_{id}"""
_NONE = "SELECT NULL AS embedding_id, NULL AS passage_id, NULL AS vector WHERE 0"


@per_engine
def refresh_vectors_view(db: Connection) -> None:
    """Makes `v_vectors` again over the embeddings that there are."""
    found = [_ALL.format(id=id_) for (id_,) in rows(db, "SELECT id FROM main.embeddings ORDER BY id")]
    # SQLite takes 500 terms in one compound SELECT.
    groups = [" UNION ALL ".join(found[first : first + TERMS]) for first in range(0, len(found), TERMS)]
    stored = " UNION ALL ".join(f"SELECT * FROM ({group} LIMIT -1)" for group in groups) or _NONE
    db.execute(
        f"""
DROP VIEW IF EXISTS main.v_vectors;
CREATE VIEW main.v_vectors AS
WITH RECURSIVE places(i) AS (
    SELECT 0 UNION ALL SELECT i + 1 FROM places WHERE i + 1 < {MAX_DIMENSIONS}
)
SELECT passage_id, collection, doc, model, dimensions, {_JSON} AS vector, blob
FROM (
    SELECT v.passage_id, c.name AS collection, d.doc, e.model, e.dimensions, v.vector AS blob
    FROM ({stored}) AS v
    JOIN embeddings AS e ON e.id = v.embedding_id
    JOIN collections AS c ON c.id = e.collection_id
    JOIN passages AS p ON p.id = v.passage_id
    JOIN documents AS d ON d.id = p.document_id
)"""
    )
