"""An answer on paper: the command line's JSON, and receipts of all that made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from rag.errors import UsageError
from rag.history.serialization import answer_of, answer_record
from rag.records import (
    Answer,
    Change,
    Citation,
    Computation,
    Disagreement,
    Evidence,
    Generation,
    Hit,
    Sentence,
)
from rag.text.markdown import blockquote, calmed, escaped, fenced

RECEIPT_VERSION = 1


def shown_text(answer: Answer) -> str:
    """The answer as a person reads it: what was computed, the quoted evidence, then the model's text."""
    if answer.abstained:
        return answer.reason
    quotes: Iterator[str] = (f"{under_header(one)} [{one.marker}]" for one in answer.evidence)
    if answer.changes:
        quotes = map(change_text, answer.changes)
    value = answer.computation.told if answer.computation else ""
    return "\n\n".join(part for part in (value, answer.reason, *quotes, answer.text.strip()) if part)


def change_text(change: Change) -> str:
    """A change in lines: what was with a minus before it, what is with a plus, under its heading."""
    sides = (("−", change.first), ("+", change.second))
    lines = [f"{sign} {' '.join(side.quote.split())} [{side.marker}]" for sign, side in sides if side]
    return "\n".join([*filter(None, [change.heading]), *lines])


def under_header(evidence: Evidence) -> str:
    """An excerpt under the line it is read under: what stands between them is left out."""
    quote = evidence.quote.strip()
    return f"{evidence.header}\n…\n{quote}" if evidence.header else quote


def quoted_block(evidence: Evidence) -> str:
    """An excerpt as a Markdown quotation with its marker, the sentence that answers bold."""
    start, end = evidence.said
    whole = f"{evidence.header}\n…\n" if evidence.header else ""
    offset = len(whole) - evidence.start
    bold = (start + offset, end + offset) if evidence.sentence else None
    return f"{blockquote(whole + evidence.quote, bold=bold)} [{evidence.marker}]"


def passage_json(hit: Hit) -> dict[str, Any]:
    """A retrieved passage as the command line's contract has it."""
    return {
        "doc": hit.doc,
        "page": hit.page,
        "text": hit.passage.text,
        "score": round(hit.score, 6),
        "hidden": hit.passage.is_hidden,
    }


def hit_json(hit: Hit) -> dict[str, Any]:
    """A search hit as the command line's contract has it."""
    passage = hit.passage
    return {
        "id": passage.id,
        "score": round(hit.score, 6),
        "doc": hit.doc,
        "page": hit.page,
        "heading": hit.heading,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "hidden": passage.is_hidden,
    }


def citation_json(citation: Citation) -> dict[str, Any]:
    """A citation as the command line's contract has it; every place is one in the document's text."""
    return {
        "marker": citation.marker,
        "doc": citation.doc,
        "page": citation.page,
        "quote": citation.quote,
        "supported": citation.supported,
        "start": citation.start,
        "end": citation.end,
        "header": citation.header,
        "superseded_by": citation.superseded and citation.superseded.by,
        "superseded_since": citation.superseded and citation.superseded.since,
        "hidden": citation.hidden,
        **_span_json("sentence", citation.sentence),
        **_span_json("answer", citation.answer),
    }


def sentence_json(sentence: Sentence, text: str) -> dict[str, Any]:
    """A sentence of the model's text, what it cites, and the verdict of its check."""
    return {
        "text": text[sentence.start : sentence.end].strip(),
        "markers": list(sentence.markers),
        "supported": sentence.supported,
        "problems": list(sentence.problems),
    }


def _span_json(name: str, span: tuple[int, int] | None) -> dict[str, int | None]:
    start, end = span or (None, None)
    return {f"{name}_start": start, f"{name}_end": end}


def disagreement_json(found: Disagreement) -> list[dict[str, Any]]:
    """Both values of a disagreement, with their sources and the dates of these."""
    return [
        {"value": value, "marker": quote.marker, "doc": quote.hit.doc, "date": date, "quote": quote.quote}
        for value, quote, date in (
            (found.first_value, found.first, found.first_date),
            (found.second_value, found.second, found.second_date),
        )
    ]


def change_json(change: Change) -> dict[str, Any]:
    """A place where two documents differ: both quotes, with the values that only one of them has."""
    return {
        "kind": change.kind,
        "heading": change.heading,
        "first": change.first and quote_json(change.first) | {"values": list(change.first_values)},
        "second": change.second and quote_json(change.second) | {"values": list(change.second_values)},
    }


def quote_json(quote: Evidence) -> dict[str, Any]:
    """A quote and its place in its document's text."""
    offset = quote.hit.passage.start
    return {
        "marker": quote.marker,
        "doc": quote.hit.doc,
        "page": quote.hit.page,
        "heading": quote.hit.heading,
        "quote": quote.quote,
        "start": offset + quote.start,
        "end": offset + quote.end,
    }


def computation_json(found: Computation) -> dict[str, Any]:
    """A computed value with its formula and cells; every place is one in the document's text."""
    return {**asdict(found), "others": [{"label": label, "shown": shown} for label, shown in found.others]}


def answer_json(answer: Answer) -> dict[str, Any]:
    """The answer as the command line's contract has it, with the model's own text beside it."""
    usage = answer.usage
    return {
        "question": answer.question,
        "query": answer.query,
        "answer": shown_text(answer),
        "text": answer.text,
        "model": answer.model,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "problem": answer.problem,
        "citations": [citation_json(citation) for citation in answer.citations],
        "sentences": [sentence_json(sentence, answer.text) for sentence in answer.sentences],
        "passages": [passage_json(hit) for hit in answer.hits],
        "disagreements": [disagreement_json(one) for one in answer.disagreements],
        "changes": [change_json(change) for change in answer.changes],
        "computation": computation_json(answer.computation) if answer.computation else None,
        "partly_read": [asdict(one) for one in answer.partly_read],
        "across_languages": answer.across_languages,
        "left_out": list(answer.budget.left_out) if answer.budget else [],
        "removed_markers": answer.removed_markers,
        "tokens": {
            "prompt": usage.prompt_tokens if usage else 0,
            "cached": usage.cached_tokens if usage else 0,
            "answer": usage.answer_tokens if usage else 0,
        },
        "seconds": {
            "search": round(answer.seconds["search"], 4),
            "first_token": round(answer.seconds["first_token"], 4),
            "total": round(answer.seconds["total"], 4),
        },
    }


def receipt_json(answer: Answer) -> str:
    """The whole answer: exact prompt, passages with scores, model, settings, timings."""
    content = {"footnote_receipt": RECEIPT_VERSION, "answer": answer_record(answer)}
    return json.dumps(content, ensure_ascii=False, indent=2)


def read_receipt(text: str) -> Answer:
    """The answer of a receipt.

    Raises:
        UsageError: the text is no receipt, or one of another version.
    """
    try:
        content = json.loads(text)
        version = content["footnote_receipt"]
        if version != RECEIPT_VERSION:
            raise UsageError(f"This receipt has version {version}; this Footnote reads {RECEIPT_VERSION}.")
        return answer_of(content["answer"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise UsageError(
            f"This is not a receipt ({error}); write one with `ask --receipt FILE.json`."
        ) from error


def receipt_markdown(answer: Answer) -> str:
    """The answer to read and to print: quotes, sources, and how it came about.

    Text of documents and models is escaped or fenced: whoever opens the file fetches nothing.
    """
    title = f"# {escaped(answer.question)}"
    parts = (said_markdown(answer), _disagreeing(answer), _sources(answer), _making(answer))
    return "\n".join([title, "", *(line for part in parts for line in part)])


def said_markdown(answer: Answer) -> Iterator[str]:
    """What an answer says, line by line: value, reason, quotes, the model's text, and what is in doubt."""
    if answer.computation:
        yield from (
            f"**{escaped(answer.computation.shown)}**",
            "",
            escaped(answer.computation.explanation),
            "",
        )
    if answer.reason:
        yield from (escaped(answer.reason), "")
    for change in answer.changes:
        lines = change_text(change).splitlines()
        yield from ("  \n".join(escaped(line) for line in lines), "")
    for quote in () if answer.changes else answer.evidence:
        yield from (quoted_block(quote), "")
    if answer.text:
        yield from (calmed(answer.text.strip()), "")
    if answer.problem:
        yield from (
            f"*The model {'broke off' if answer.text else 'wrote nothing'}:* {escaped(answer.problem)}",
            "",
        )
    for sentence in answer.sentences:
        if sentence.supported != "true":
            said = escaped(answer.text[sentence.start : sentence.end])
            verdict = "Not supported" if sentence.supported == "false" else "Partly supported"
            yield from (f"*{verdict}: “{said}”* {escaped('; '.join(sentence.problems))}", "")


def _disagreeing(answer: Answer) -> Iterator[str]:
    if answer.disagreements:
        yield from ("## Documents disagree", "")
    for found in answer.disagreements:
        for side in disagreement_json(found):
            dated = f" of {side['date']}" if side["date"] else ""
            place = f"{escaped(side['doc'])}{dated} [{side['marker']}]"
            yield f"- {escaped(side['value'])}: {place} “{escaped(side['quote'])}”"
        yield ""


def _sources(answer: Answer) -> Iterator[str]:
    shown = answer.budget.passages if answer.budget else {}
    yield from ("## Passages", "", "| | source | score | tokens in the prompt |", "|---|---|---|---|")
    for marker, hit in enumerate(answer.hits, start=1):
        tokens = str(shown[marker]) if marker in shown else "left out" if shown else "–"
        yield f"| {marker} | {_place(hit)} | {hit.score:.3f} | {tokens} |"
    yield ""
    for marker in sorted({citation.marker for citation in answer.citations}):
        hit = answer.hits[marker - 1]
        yield from (f"### [{marker}] {_place(hit)}", "", fenced(hit.passage.text), "")


def _making(answer: Answer) -> Iterator[str]:
    yield from ("## How it was made", "")
    yield f"- Searched for: {escaped(answer.query)}"
    yield from (f"- {name}: {seconds:.3f} s" for name, seconds in answer.seconds.items())
    if answer.usage:
        prompt = f"{answer.usage.prompt_tokens} prompt ({answer.usage.cached_tokens} cached)"
        yield f"- Tokens: {prompt}, {answer.usage.answer_tokens} answer"
    if answer.budget and answer.budget.dropped_turns:
        yield f"- Turns of the conversation left out: {answer.budget.dropped_turns}"
    yield from (f"- {name}: {escaped(str(value))}" for name, value in answer.settings.items())
    if answer.generation:
        yield from _generation(answer.generation)


def _generation(generation: Generation) -> Iterator[str]:
    yield f"- Model: {escaped(generation.model)}"
    yield f"- At most {generation.max_tokens} tokens{', held to quotations' if generation.choices else ''}"
    yield f"- Temperature {generation.temperature}, seed {generation.seed}"
    yield from ("", "## The exact prompt", "")
    for message in generation.messages:
        yield from (f"### {message.role}", "", fenced(message.content), "")
    if generation.choices:
        yield from ("## The quotations it chose from", "")
        yield from (f"- {escaped(choice)}" for choice in generation.choices)
        yield ""


def _place(hit: Hit) -> str:
    return escaped(hit.doc) + (f", page {hit.page}" if hit.page else "")
