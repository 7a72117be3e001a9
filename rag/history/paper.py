"""A conversation or notes on paper: Markdown whose citations are footnotes, and from it DOCX and PDF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rag.errors import UsageError
from rag.history.conversations import Conversation
from rag.history.notes import Note
from rag.history.receipts import said_markdown
from rag.records import Answer, Citation
from rag.text.markdown import MARKERS, calmed, escaped, markers_of

_CITING = re.compile(f"[ \\t]?{MARKERS.pattern}")
ENDINGS = (".md", ".docx", ".pdf")


@dataclass(frozen=True, slots=True)
class Wording:
    """What stands on the paper besides what was said, in the reader's language."""

    page: str = "page {page}"
    written_by: str = "Written by {model}; check it against the sources."


ENGLISH = Wording()


@dataclass(slots=True)
class Paper:
    """Markdown in parts, in which [^1] refers to the first footnote; footnotes are plain text, by number."""

    parts: list[str] = field(default_factory=list)
    footnotes: dict[int, str] = field(default_factory=dict)

    def add(self, text: str, sources: dict[int, str]) -> None:
        """Adds Markdown, its markers as footnotes. A marker without a source stays as it is."""
        numbers: dict[int, int] = {}

        def number(marker: int) -> str:
            if marker not in numbers:
                numbers[marker] = len(self.footnotes) + 1
                self.footnotes[numbers[marker]] = sources[marker]
            return f"[^{numbers[marker]}]"

        def referring(found: re.Match[str]) -> str:
            known = [marker for marker in markers_of(found) if marker in sources]
            return "".join(map(number, known)) or found[0]

        self.parts.append(_CITING.sub(referring, text))

    @property
    def markdown(self) -> str:
        """The whole paper as Markdown."""
        notes = "\n\n".join(f"[^{number}]: {escaped(text)}" for number, text in self.footnotes.items())
        return "\n\n".join(filter(None, [*self.parts, notes])) + "\n"


def conversation_paper(conversation: Conversation, wording: Wording = ENGLISH) -> Paper:
    """Questions and answers, the quotes with their sources in footnotes."""
    paper = Paper([f"# {escaped(conversation.title)}"])
    for turn in conversation.turns:
        answer = turn.answer
        paper.parts += [f"## {escaped(answer.question)}", f"*{turn.created[:16].replace('T', ' ')}*"]
        _add_answer(paper, answer, "\n".join(said_markdown(answer)), wording)
        for other in answer.others:
            _add_answer(paper, other, calmed(other.text or other.reason), wording)
    return paper


def _add_answer(paper: Paper, answer: Answer, text: str, wording: Wording) -> None:
    paper.add(text.strip(), footnotes_of(answer.citations, wording))
    if answer.text and answer.model:
        paper.parts.append(f"*{escaped(wording.written_by.format(model=answer.model))}*")


def notes_paper(notes: Iterable[Note], wording: Wording = ENGLISH) -> Paper:
    """Notes one after another, each under its title."""
    paper = Paper()
    for note in notes:
        paper.parts.append(f"# {escaped(note.title)}")
        paper.add(note.text, footnotes_of([source.citation for source in note.cited], wording))
    return paper


def footnotes_of(citations: Sequence[Citation], wording: Wording) -> dict[int, str]:
    """The place of each marker, and the quotes that stand nowhere else: those of a model's text."""
    places: dict[int, str] = {}
    quotes: dict[int, dict[str, None]] = {}
    for one in citations:
        page = f", {wording.page.format(page=one.page)}" if one.page else ""
        places.setdefault(one.marker, f"{one.doc}{page}")
        quotes.setdefault(one.marker, {})[f"“{' '.join(one.quote.split())}”"] = None
    return {marker: f"{place}: {' … '.join(quotes[marker])}" for marker, place in places.items()}


def write_paper(paper: Paper, ending: str) -> bytes:
    """The paper as a file of this ending: .md, .docx or .pdf.

    Raises:
        UsageError: it is another ending, or the PDF would need a font that this computer does not have.
    """
    from rag.history.docx import docx
    from rag.history.pdf import pdf

    if ending == ".md":
        return paper.markdown.encode("utf-8", "replace")
    if ending not in ENDINGS:
        raise UsageError(f"A file to read ends with {', '.join(ENDINGS)}, not {ending or 'nothing'!r}.")
    return docx(paper) if ending == ".docx" else pdf(paper)
