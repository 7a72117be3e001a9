"""Which lines of a reading report say that a document was read in part only."""

from __future__ import annotations

import re
from collections.abc import Iterable

_OMITS = re.compile(
    r"Pictures in the file, not read|Pages that are pictures without text|Formulas without a stored value"
    r"|Left out |Rows? left out|.*: left out, it lies more than|Line \d+ is not valid JSON and is left out"
    r"|Hidden text, kept apart"
)


def omissions(warnings: Iterable[str]) -> tuple[str, ...]:
    """The lines that tell of content that was not read, or that no model reads; not those about its form."""
    return tuple(filter(_OMITS.match, warnings))
