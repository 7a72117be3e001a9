"""The part, fault and invoice numbers in a question, and those of them that no document mentions."""

from __future__ import annotations

import re

from rag.interfaces import SearchIndex
from rag.text.terms import query_terms
from rag.text.words import fold, words

# Capitals and digits (E41, INV-10399, F.99, KP-60), groups of digits that are no date (2024-0117), and any
# number that is called one (invoice 4711, Rechnung Nr. 4711, #4711).
_MIXED = r"(?=[\w./-]*\d)[A-Z][A-Z0-9]*(?:[./-][A-Z0-9]+)*"
_GROUPS = r"\d{2,}(?:[-/]\d{3,})+"
_CALLED = (
    r"(?i:(?:invoice|order|ticket|case|part|item|article|serial|contract|customer|account|rechnung|auftrag"
    r"|bestellung|artikel|vertrag|kunde|facture|commande|factura|pedido)s?"
    r" (?:(?:no|nr|number|nummer|n°|id)\b\.? ?)?"
    r"|(?:number|nummer|no\.|nr\.|n°) ?)#?(?P<called>\d{3,})"
)
_CODE = re.compile(rf"(?<![\w./-])(?:#(?P<hash>\d{{2,}})|(?P<code>{_MIXED}|{_GROUPS})|{_CALLED})(?![\w-])")
# Periods (FY2023, Q3, H1, 2024Q1) are written in many ways.
_PERIOD = re.compile(r"(?:FY|CY|Q|H|GJ)-?\d{1,4}(?:[./-]?\d{2,4})?")


def codes(question: str) -> tuple[str, ...]:
    """The codes that a question names, as typed."""
    found = (match["hash"] or match["code"] or match["called"] for match in _CODE.finditer(question))
    return tuple(dict.fromkeys(code for code in found if not _PERIOD.fullmatch(code)))


def codes_nowhere(question: str, index: SearchIndex, collection: str) -> tuple[str, ...]:
    """The codes of a question that no document of the collection has in its text, headings or name."""
    return tuple(code for code in codes(question) if not _is_mentioned(code, index, collection))


def _is_mentioned(code: str, index: SearchIndex, collection: str) -> bool:
    spelt = r"[\W_]?".join(map(re.escape, words(code)))
    whole = re.compile(rf"(?<![^\W_]){spelt}(?![^\W_])")
    if any(whole.search(fold(f"{entry.doc}\n{entry.title}")) for entry in index.documents(collection)):
        return True
    rowids = {
        rowid
        for form in (code, "".join(words(code)))
        for rowid in index.holding(collection, query_terms(form)).tolist()
    }
    return any(
        whole.search(fold("\n".join((*hit.passage.heading_path, hit.passage.context, hit.passage.text))))
        for hit in index.hits(sorted(rowids))
    )
