"""Commands that ask: search, ask, batch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rag.cli import FAILED, SOME_FAILED, app
from rag.cli.options import (
    CollectionOption,
    CountOption,
    JsonOption,
    LibraryOption,
    open_library,
    typed_or_piped,
)
from rag.cli.printing import messages, print_changes, print_json, print_place, results, say
from rag.errors import ModelError, RagError, UsageError
from rag.records import ACROSS_LANGUAGES

if TYPE_CHECKING:
    from rag.answer import EvidenceReady
    from rag.library import Library
    from rag.records import Answer, Computation, Evidence, Hit, Message

PER_DOCUMENT = 6  # passages looked at for each document asked for


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for; - reads it from standard input.")],
    count: CountOption = None,
    group: Annotated[
        Literal["documents"] | None, typer.Option("--group", help="The best passage of each document.")
    ] = None,
    vectors_only: Annotated[
        bool, typer.Option("--vectors-only", help="By meaning alone, not by words and names.")
    ] = False,
    code: Annotated[
        bool, typer.Option("--code", help="Whole functions and classes of source code, at their line.")
    ] = False,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Find the passages nearest to a query."""
    from rag.history.receipts import hit_json

    opened = open_library(context, library=library, collection=collection)
    wanted = count or opened.settings.top_k
    if code and (group or vectors_only):
        raise UsageError("--code lists functions by their own rules; leave --group and --vectors-only out.")
    if code:
        search_code(opened, typed_or_piped(query), wanted, as_json)
        return
    ranking = opened.settings.ranking.vectors_only() if vectors_only else None
    hits = opened.search(
        typed_or_piped(query), count=wanted * PER_DOCUMENT if group else wanted, ranking=ranking
    )
    for rank, found in enumerate(groups_of(hits, by_documents=group is not None)[:wanted], start=1):
        if as_json:
            print_json(hit_json(found[0]) | ({"passages": len(found)} if group else {}))
        else:
            print_hit(rank, found[0])


def search_code(library: Library, query: str, count: int, as_json: bool) -> None:
    """Prints the functions and classes nearest to a query."""
    from rag.explore.definitions import find_definitions
    from rag.history.receipts import hit_json

    name = library.asked_of(query, None)
    for found in find_definitions(library.store, name, query, library.embedder_of(name), count):
        if as_json:
            hit = hit_json(found.hits[0]) | {"text": found.text, "end": found.hits[-1].passage.end}
            place = {"name": found.name, "line": found.line, "end_line": found.end_line}
            print_json(hit | {"score": round(found.score, 6)} | place)
        else:
            results.print(f"{found.doc}:{found.line}  {found.name}  ({found.score:.3f})")


def groups_of(hits: Sequence[Hit], *, by_documents: bool) -> list[list[Hit]]:
    """The hits document by document, or each for itself."""
    from rag.search.order import by_document

    return by_document(hits) if by_documents else [[hit] for hit in hits]


def print_hit(rank: int, hit: Hit) -> None:
    """A hit for people: its place on one line, its text below."""
    place = [hit.doc, f"page {hit.page}" if hit.page else "", hit.heading]
    results.print(f"[{rank}] {' · '.join(part for part in place if part)}  ({hit.score:.3f})", style="bold")
    results.print(hit.passage.text.strip() + "\n")


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[
        str | None, typer.Argument(help="The question; - reads it from standard input.")
    ] = None,
    as_json: JsonOption = False,
    count: CountOption = None,
    library: LibraryOption = None,
    collection: CollectionOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Chat model: a name, a GGUF file, a server's URL, or none.")
    ] = None,
    doc: Annotated[
        list[str] | None,
        typer.Option("--doc", help="Ask this document alone, by its path or title; may be repeated."),
    ] = None,
    passage_tokens: Annotated[
        int | None, typer.Option("--passage-tokens", help="Most tokens of passages in the prompt.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, max=2, help="How freely the model writes; 0: not.")
    ] = None,
    note: Annotated[bool, typer.Option("--note", help="Keep the answer as a note.")] = False,
    passages: Annotated[
        Path | None,
        typer.Option(
            "--passages",
            help="Answer from the passages of this file alone: lines of `search --json`, or text with blank"
            " lines between; - reads standard input.",
        ),
    ] = None,
    receipt: Annotated[
        Path | None,
        typer.Option("--receipt", help="Also write all that made the answer: FILE.json, or FILE.md to read."),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option("--replay", help="Make the answer of a receipt (JSON) again.")
    ] = None,
) -> None:
    """Answer a question from the collection, with its sources; or replay a receipt."""
    from rag.history.receipts import answer_json

    opened = open_library(
        context,
        library=library,
        collection=collection,
        chat_model=model,
        top_k=count,
        passage_tokens=passage_tokens,
        temperature=temperature,
    )
    if question is None and replay is not None:
        answer = replayed(opened, replay)
        if not as_json:
            print_answer(answer)
    elif question is not None and replay is None:
        with asked_library(opened, passages) as asked:
            question = typed_or_piped(question)
            docs = [asked.document(name).doc for name in doc] if doc else None
            answer = asked.answer(question, docs=docs) if as_json else shown(asked, question, docs=docs)
    else:
        raise UsageError("Give a question, or --replay FILE with the receipt of an answer.")
    if receipt is not None:
        write_receipt(answer, receipt)
    if note:
        kept = opened.notes_of("").keep_answer(answer, collection=opened.settings.collection)
        say(f"Kept as note {kept}")
    if as_json:
        print_json(answer_json(answer))
    if answer.problem and replay is None:
        raise typer.Exit(FAILED)  # the quotes are there, the model's answer is not


@contextmanager
def asked_library(library: Library, passages: Path | None) -> Iterator[Library]:
    """The library, or one for the moment that has nothing but the passages of a file."""
    if passages is None:
        yield library
        return
    records = list(read_passages(passages))
    with TemporaryDirectory() as folder:
        apart = library.beside(folder, with_chat_model=True)
        try:
            for _ in apart.ingest_lines(map(json.dumps, records)):
                pass
            yield apart
        finally:
            apart.close_store()


def read_passages(path: Path) -> Iterator[dict[str, str]]:
    """Documents made of passages: those of one document together, in the order given.

    Raises:
        UsageError: the file cannot be read, or has no text.
    """
    try:
        text = typed_or_piped("-") if path == Path("-") else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    texts: dict[str, list[str]] = {}
    for number, part in enumerate(parts_of(text), start=1):
        texts.setdefault(part.get("doc") or f"passage {number}", []).append(part["text"])
    if not texts:
        raise UsageError(f"{path} has no passages.")
    for doc, held in texts.items():
        yield {"id": doc, "content": "\n\n".join(held), "media_type": "text/plain"}


def parts_of(text: str) -> list[dict[str, str]]:
    """The passages of a text: its JSON lines, or what stands between blank lines.

    Raises:
        UsageError: it begins with JSON lines and goes on with something else.
    """
    found: list[dict[str, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            found.append({"doc": str(record.get("doc") or ""), "text": str(record["text"])})
        except (ValueError, KeyError, AttributeError) as error:
            if found:
                raise UsageError(f'Line {number} is not JSON with a "text" as those before it.') from error
            return [{"doc": "", "text": part} for part in text.split("\n\n") if part.strip()]
    return found


def replayed(library: Library, path: Path) -> Answer:
    """The answer of a receipt made again, and whether it is the same."""
    from rag.history.receipts import read_receipt

    try:
        recorded = read_receipt(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The receipt {path} cannot be read: {error}") from error
    again = library.replay(recorded)
    if again.generation and recorded.generation and again.generation.text != recorded.generation.text:
        raise ModelError(
            f"The model wrote another text than {path} has: “{again.generation.text}”. "
            "llama.cpp may be another version, or run on another number of threads."
        )
    return again


def write_receipt(answer: Answer, path: Path) -> None:
    """The answer with all that made it, in the form the file's ending asks for."""
    from rag.history.receipts import receipt_json, receipt_markdown

    forms = {".json": receipt_json, ".md": receipt_markdown}
    if path.suffix not in forms:
        raise UsageError(f"A receipt is a .json or .md file, not {path.name}.")
    try:
        path.write_text(forms[path.suffix](answer), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The receipt {path} cannot be written: {error.strerror}") from error


def shown(library: Library, question: str, docs: Sequence[str] | None = None) -> Answer:
    """The answer, printed as it comes: evidence, the model's words, sources."""
    from rag.answer import AnswerDone, EvidenceReady, TokenDelta

    wrote = doubted = False
    for event in library.ask(question, docs=docs):
        if isinstance(event, EvidenceReady):
            print_evidence(event)
            doubted = event.abstained
        elif isinstance(event, TokenDelta):
            if not wrote:
                verb = "reads them and writes" if doubted else "writes"
                results.print(f"\n{library.chat_model_name} {verb}:", style="dim")
                wrote = True
            results.print(event.piece, end="")
        elif isinstance(event, AnswerDone):
            if event.answer.abstained and not doubted:
                results.print(f"\n{event.answer.reason}", style="bold")
            print_problem(event.answer)
            print_sources(event.answer)
            print_cost(event.answer)
            return event.answer
    raise AssertionError("answering always ends with Answered")


def print_evidence(event: EvidenceReady) -> None:
    """The computed value, the excerpts, or why there is no answer; and where documents disagree."""
    if event.computation:
        print_computation(event.computation)
    if event.reason:
        results.print(event.reason, style="bold")
    if event.abstained and event.evidence:
        results.print("The nearest passages say:")
    print_changes(event.changes)
    before = None
    for evidence in () if event.changes else event.evidence:
        if event.reason and not event.abstained:  # a list, document by document
            print_place(evidence, before)
        print_excerpt(evidence)
        before = evidence
    for found in event.disagreements:
        results.print("Documents disagree:", style="yellow")
        for value, quote, date in (
            (found.first_value, found.first, found.first_date),
            (found.second_value, found.second, found.second_date),
        ):
            dated = f"of {date}" if date else "(no date)"
            results.print(f"  {value} says {quote.hit.doc} {dated} [{quote.marker}]")


def print_computation(found: Computation) -> None:
    """A value from a table, how it came about, and what else fits."""
    results.print(found.shown, style="bold")
    results.print(found.explanation)
    for label, value in found.others:
        results.print(f"Fits as well: {label}: {value}", style="yellow")
    results.print()


def print_excerpt(evidence: Evidence) -> None:
    """An excerpt under its header, the sentence that answers bold and the answer in it underlined."""
    from rich.text import Text

    if evidence.header:
        results.print(f"{evidence.header}\n…", style="dim")
    apart = "\n" if evidence.quote.endswith(("|", "```", "~~~")) else " "
    shown = Text(f"{evidence.quote}{apart}[{evidence.marker}]")
    for span, style in ((evidence.sentence, "bold"), (evidence.answer, "bold underline")):
        if span:
            shown.stylize(style, span[0] - evidence.start, span[1] - evidence.start)
    results.print(shown)
    if evidence.superseded:
        since = f" since {evidence.superseded.since}" if evidence.superseded.since else ""
        replaced = f"No longer in force{since}: replaced by {evidence.superseded.by}"
        results.print(replaced, style="yellow")
    if evidence.hit.passage.is_hidden:
        results.print("Hidden in the document: nobody sees this text who opens it", style="yellow")
    results.print()


def print_answer(answer: Answer) -> None:
    """A finished answer as it would have been shown."""
    from rag.answer import EvidenceReady

    found = answer.disagreements, answer.changes, answer.computation
    print_evidence(EvidenceReady(answer.evidence, answer.abstained, answer.reason, 0.0, *found))
    if answer.text:
        results.print(f"\n{answer.model} writes:", style="dim")
        results.print(answer.text)
    print_problem(answer)
    print_sources(answer)
    print_cost(answer)


def print_problem(answer: Answer) -> None:
    """Why the model wrote nothing, or not to the end."""
    if answer.problem:
        say(f"The model {'broke off' if answer.text else 'wrote nothing'}: {answer.problem}")


def print_sources(answer: Answer) -> None:
    """What the model's text could not support, then each cited source with its place."""
    results.print()
    for sentence in answer.sentences:
        if sentence.supported != "true":
            label = "Not in your documents" if sentence.supported == "false" else "Only partly supported"
            results.print(f"{label}: {answer.text[sentence.start : sentence.end].strip()}", style="yellow")
            for problem in sentence.problems:
                results.print(f"  {problem}", style="dim")
    if answer.citations:
        results.print("Sources", style="bold")
    for marker in sorted({citation.marker for citation in answer.citations}):
        hit = answer.hits[marker - 1]
        place = [hit.doc, f"page {hit.page}" if hit.page else "", hit.heading]
        results.print(f"[{marker}] {' · '.join(part for part in place if part)}")
    if answer.across_languages:
        results.print(ACROSS_LANGUAGES, style="yellow")
    for one in answer.partly_read:
        results.print(f"Only part of {one.doc} was used: {' '.join(one.notes)}", style="yellow")


def print_cost(answer: Answer) -> None:
    """What the model read, what was left out, and the times."""
    seconds = [f"{answer.seconds['search']:.2f} s search", f"{answer.seconds['total']:.2f} s in all"]
    if answer.usage:
        new = answer.usage.prompt_tokens - answer.usage.cached_tokens
        tokens = (
            f"{new} tokens read, {answer.usage.cached_tokens} cached, {answer.usage.answer_tokens} written"
        )
        seconds.insert(1, f"first token after {answer.seconds['first_token']:.2f} s")
        seconds.append(tokens)
    results.print(" · ".join(seconds), style="dim")
    if answer.budget and answer.budget.left_out:
        places = "; ".join(f"[{marker}] {answer.hits[marker - 1].doc}" for marker in answer.budget.left_out)
        results.print(f"Did not fit: {places}", style="dim")


@app.command()
def batch(
    context: typer.Context,
    questions: Annotated[
        Path,
        typer.Argument(
            help='Lines of {"id", "question"}; "history" if it is a follow-up.', metavar="QUESTIONS.jsonl"
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the answers go, a line each.")],
    retrieve_only: Annotated[bool, typer.Option("--retrieve-only", help="Search, do not answer.")] = False,
    count: CountOption = None,
    library: LibraryOption = None,
    collection: CollectionOption = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Chat model: a name, a GGUF file, a server's URL, or none.")
    ] = None,
) -> None:
    """Answer a file of questions, loading the models once; run again to go on where it stopped.

    A question that cannot be answered is named and left for the next run; the others go on.
    """
    from rich.progress import track

    opened = open_library(context, library=library, collection=collection, chat_model=model, top_k=count)
    asked = list(read_questions(questions))
    done = answered_ids(output)
    left = [row for row in asked if row["id"] not in done]
    if done:
        say(f"{len(asked) - len(left)} of {len(asked)} questions are answered already in {output}")
    if left:
        opened.require_documents()
    failures = 0
    with output.open("a", encoding="utf-8") as lines:
        for row in track(left, description="Questions", console=messages):
            try:
                result = retrieved(opened, row, count) if retrieve_only else answered(opened, row)
            except RagError as error:
                failures += 1
                say(f"{row['id']}: {error}")
                continue
            lines.write(json.dumps({"id": row["id"], **result}, ensure_ascii=False) + "\n")
            lines.flush()
            if result.get("problem"):
                failures += 1
                say(f"{row['id']}: {result['problem']}")
    if failures:
        raise typer.Exit(SOME_FAILED)


def read_questions(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a questions file; a bad line is named with its number."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            history = [(str(turn["role"]), str(turn["content"])) for turn in row.get("history") or []]
            if any(role not in ("user", "assistant") for role, _ in history):
                raise ValueError("role")
            yield {"id": row["id"], "question": str(row["question"]), "history": history}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f'{path}, line {number}: expected one JSON object with "id" and "question", and if need be '
                '"history", a list of {"role": "user" or "assistant", "content"}'
            ) from error


def answered_ids(path: Path) -> set[Any]:
    """The ids already in the output; a last line that was cut off is taken out of the file."""
    if not path.exists():
        return set()
    whole, _, cut = path.read_bytes().rpartition(b"\n")
    if cut:
        with path.open("r+b") as lines:
            lines.truncate(len(whole) + 1 if whole else 0)
    try:
        return {json.loads(line)["id"] for line in whole.splitlines() if line.strip()}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} exists and is not an output of this command; name another file") from error


def retrieved(library: Library, row: dict[str, Any], count: int | None) -> dict[str, Any]:
    """The passages alone, found for the question made to stand alone."""
    from rag.history.receipts import passage_json
    from rag.search.rewrite import condense

    query, _ = condense(row["question"], history_of(row))
    hits = library.search(query, count=count)
    return {"question": row["question"], "passages": [passage_json(hit) for hit in hits]}


def answered(library: Library, row: dict[str, Any]) -> dict[str, Any]:
    """The whole answer."""
    from rag.history.receipts import answer_json

    return answer_json(library.answer(row["question"], history=history_of(row)))


def history_of(row: dict[str, Any]) -> list[Message]:
    """What was said before a row's question."""
    from rag.records import Message

    return [Message(role, content) for role, content in row["history"]]
