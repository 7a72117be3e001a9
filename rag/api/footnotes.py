"""What an answer rests on, as lines at the end of its text, for clients that show nothing but text."""

from __future__ import annotations

from collections.abc import Iterator

from rag.records import Answer
from rag.text.markdown import inert

RULE = "\n\n---\n"
SOURCES, NEAREST = "Sources:", "The nearest passages, which do not answer it:"
VERDICTS = {"false": "Not in your documents", "partly": "Only partly supported"}


def footnotes(answer: Answer) -> str:
    """The lines, with a rule above; "" where there is nothing to say."""
    notes, sources = [f"- {note}" for note in _notes(answer)], [f"- {one}" for one in _sources(answer)]
    if sources:
        sources.insert(0, NEAREST if answer.abstained else SOURCES)
    blocks = ["\n".join(block) for block in (notes, sources) if block]
    return inert(RULE + "\n\n".join(blocks)) if blocks else ""


def without_footnotes(content: str) -> str:
    """An earlier answer without its footnotes, as a follow-up is about what it says."""
    said, rule, notes = content.rpartition(RULE)
    return said if rule and any(line in notes for line in (SOURCES, NEAREST)) else content


def _notes(answer: Answer) -> Iterator[str]:
    if answer.problem:
        yield f"The model {'broke off' if answer.text else 'wrote nothing'}: {answer.problem}"
    for sentence in answer.sentences:
        if sentence.supported != "true":
            said = answer.text[sentence.start : sentence.end].strip()
            why = f" ({'; '.join(sentence.problems)})" if sentence.problems else ""
            yield f"{VERDICTS[sentence.supported]}: “{said}”{why}"
    for found in answer.disagreements:
        sides = ((found.first_value, found.first), (found.second_value, found.second))
        said = ", ".join(f"{value} says {quote.hit.doc} [{quote.marker}]" for value, quote in sides)
        yield f"Documents disagree: {said}"
    for marker, one in sorted({cited.marker: cited.superseded for cited in answer.citations}.items()):
        if one:
            since = f" since {one.since}" if one.since else ""
            yield f"[{marker}] is no longer in force{since}: replaced by {one.by}"
    for label, value in answer.computation.others if answer.computation else ():
        yield f"Fits as well: {label}: {value}"


def _sources(answer: Answer) -> Iterator[str]:
    for marker in sorted({cited.marker for cited in answer.citations}):
        hit = answer.hits[marker - 1]
        place = [hit.doc, f"page {hit.page}" if hit.page else "", hit.heading]
        yield f"[{marker}] {' · '.join(filter(None, place))}"
