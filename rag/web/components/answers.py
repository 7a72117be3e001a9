"""A turn as HTML: the one drawing of saved, streaming, waiting and failed answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rag.records import HIDDEN_TEXT, BudgetUse, Computation, Disagreement, Evidence, Hit, Sentence
from rag.text.command import as_started
from rag.text.excerpts import starts_in_code
from rag.web.components.comparisons import changes_html
from rag.web.components.markup import (
    MARKER,
    action,
    emphasised,
    icon,
    image_source,
    linked,
    spanned,
    text,
    whole_emphasis,
)
from rag.web.components.prose import prose
from rag.web.components.turns import Source, Turn, short_name, source_of, sources
from rag.web.i18n import Phrases

SHOWN_QUOTES = 10
SHOWN_IN_DOCUMENT = 3
SHOWN_WHOLE = 3
"""Of so few documents all quotes are shown."""
SHOWN_CHIPS = 12
CARD_CHARACTERS = 280
"""A hover card shows this much of a quote; the pane shows all of it."""


def turn_html(turn: Turn, say: Phrases, *, selected: int | None = None) -> list[str]:
    """The turn in parts, top to bottom: question with evidence, the model's words, the footer.

    `selected` is the marker whose source the pane shows. While a model writes, only the second
    part changes, so that the page need not redraw (and lose clicks on) the first.
    """
    head = question_html(turn, say) + state_html(turn, say)
    if turn.computation:
        head += computation_html(turn, turn.computation, say, selected)
    if turn.evidence:
        head += evidence_html(turn, say, selected) + disagreements_html(turn, say, selected)
    parts = [head + pictures_html(turn, say)]
    if turn.others:
        boxes = [model_html(one, say, None) for one in (turn, *turn.others) if one.text or one is not turn]
        parts.append(f'<div class="fn-beside">{"".join(boxes)}</div>')
    elif turn.text or turn.state == "writing":
        parts.append(model_html(turn, say, selected))
    if turn.state == "done" and turn.problem and not turn.text:
        parts.append(f'<p class="fn-stopped">{text(say("model_silent", problem=turn.problem))}</p>')
    if turn.state == "done":
        parts.append(footer_html(turn, say, selected))
    return [f'<div class="fn-turn fn-{turn.state}">{part}</div>' for part in parts]


def state_html(turn: Turn, say: Phrases) -> str:
    """What the turn is waiting for, what went wrong, or that nothing was found."""
    if turn.state == "waiting":
        return status_html("hourglass_empty", say("waiting", count=turn.ahead))
    if turn.state == "searching" and not turn.evidence:
        return status_html("search", say("searching"), busy=True)
    if turn.state == "failed":
        return problem_html(turn.problem or say("unexpected"), say)
    if turn.reason and not turn.abstained:
        return status_html("checklist", turn.reason)
    if turn.state == "done" and (turn.abstained or not turn.evidence):
        return refusal_html(turn, say)
    return ""


def question_html(turn: Turn, say: Phrases) -> str:
    """The question as it was asked, and what was searched for where that differs."""
    html = f'<h2 class="fn-question" id="turn-{text(turn.key)}" dir="auto">{text(turn.question)}</h2>'
    if turn.query and turn.query != turn.question:
        html += f'<p class="fn-query" dir="auto">{text(say("searched_for", query=turn.query))}</p>'
    return html


def status_html(name: str, message: str, *, busy: bool = False) -> str:
    """A line that says what is going on."""
    return f'<p class="fn-status{" fn-busy" if busy else ""}" role="status">{icon(name)}{text(message)}</p>'


def problem_html(problem: str, say: Phrases) -> str:
    """What went wrong and what to do, never a traceback."""
    return (
        f'<div class="fn-problem" role="alert">{icon("error")}<div><strong>{text(say("problem"))}</strong>'
        f'<p dir="auto">{text(as_started(problem))}</p></div></div>'
    )


def refusal_html(turn: Turn, say: Phrases) -> str:
    """Says that the documents do not seem to hold the answer, and why."""
    reason = f'<p dir="auto">{text(turn.reason)}</p>' if turn.reason else ""
    nearest = f"<p>{text(say('nearest_below'))}</p>" if turn.evidence else ""
    return (
        f'<div class="fn-refusal">{icon("search_off")}<div><strong>{text(say("not_found"))}</strong>'
        f"{reason}{nearest}</div></div>"
    )


def computation_html(turn: Turn, found: Computation, say: Phrases, selected: int | None) -> str:
    """A value from a table: the value, how it came about, its cells by name, and what else fits."""
    cells = [
        f"<li>{text(' · '.join(filter(None, (cell.row, cell.column))))}: <b>{text(cell.text)}</b> "
        f"{marker_html(turn, cell.marker, say, selected, card=False)}</li>"
        for cell in found.cells
    ]
    others = "".join(
        f'<p class="fn-quiet">{text(say("fits_as_well", name=label, value=shown))}</p>'
        for label, shown in found.others
    )
    title = say("cells_used", count=found.cell_count)
    return (
        f'<section class="fn-computed" aria-label="{text(say("computed"))}" dir="auto">'
        f'<p class="fn-value">{text(found.shown)}</p><p>{text(found.explanation)}</p>{others}'
        f"<details><summary>{text(title)}</summary><ul>{''.join(cells)}</ul></details></section>"
    )


def evidence_html(turn: Turn, say: Phrases, selected: int | None) -> str:
    """The best excerpts, quoted exactly, each with its source."""
    label = say("nearest_quotes") if turn.abstained else say("from_documents")
    if turn.changes:
        sections = changes_html(
            turn.changes, say, lambda piece: quote_html(turn, piece, say, selected, named=False)
        )
        quotes = folded_html(sections, SHOWN_QUOTES, say)
    elif is_sweep(turn):
        quotes = swept_html(turn, say, selected)
    else:
        pieces = [quote_html(turn, piece, say, selected) for piece in turn.evidence]
        quotes = folded_html(pieces, SHOWN_QUOTES, say)
    return (
        f'<section class="fn-evidence" aria-label="{text(label)}">'
        f'<p class="fn-label">{icon("format_quote")}{text(label)}</p>{quotes}</section>'
    )


def disagreements_html(turn: Turn, say: Phrases, selected: int | None) -> str:
    """Where documents state the same with different values: each value with its file and date."""
    items = "".join(disagreement_html(turn, one, say, selected) for one in turn.disagreements)
    if not items:
        return ""
    return (
        f'<section class="fn-disagree" aria-label="{text(say("disagree"))}">'
        f'<p class="fn-label">{icon("balance")}{text(say("disagree"))}</p>{items}</section>'
    )


def disagreement_html(turn: Turn, found: Disagreement, say: Phrases, selected: int | None) -> str:
    """Two values side by side."""
    sides = (
        (found.first, found.first_value, found.first_date),
        (found.second, found.second_value, found.second_date),
    )
    return (
        '<div class="fn-sides">' + "".join(side_html(turn, *side, say, selected) for side in sides) + "</div>"
    )


def side_html(
    turn: Turn, piece: Evidence, value: str, date: str | None, say: Phrases, selected: int | None
) -> str:
    """One value with the file that states it, and that file's date."""
    where = [
        f"<b>{text(short_name(piece.hit.doc, turn.docs))}</b>",
        text(date[:10] if date else say("no_date")),
    ]
    return (
        f'<p><span class="fn-value" dir="auto">{text(value)}</span> '
        f"{marker_html(turn, piece.marker, say, selected)}"
        f'<span class="fn-quiet" dir="auto">{" · ".join(where)}</span>'
        f'<span class="fn-side-quote" dir="auto">{text(shortened(said(piece)))}</span></p>'
    )


def said(piece: Evidence) -> str:
    """The sentence of a quote that answers, or all of it."""
    return piece.hit.passage.text[slice(*piece.said)]


def is_sweep(turn: Turn) -> bool:
    """Whether the turn lists every match of the whole collection: it then tells what was searched."""
    return bool(turn.reason) and not turn.abstained and turn.model is None


def swept_html(turn: Turn, say: Phrases, selected: int | None) -> str:
    """The matches document by document; a click on a document's line folds it away."""
    grouped: dict[str, list[Evidence]] = {}
    for piece in turn.evidence:
        grouped.setdefault(piece.hit.doc, []).append(piece)
    documents = []
    shown = SHOWN_IN_DOCUMENT if len(grouped) > SHOWN_WHOLE else SHOWN_QUOTES
    for doc, pieces in grouped.items():
        quotes = [quote_html(turn, piece, say, selected, named=False) for piece in pieces]
        title = (
            f'<b dir="auto">{text(pieces[0].hit.title or doc)}</b> <span class="fn-quiet">{text(doc)}</span>'
        )
        documents.append(
            f'<details class="fn-swept" open><summary>{title} <span class="fn-count">{len(pieces)}</span>'
            f"</summary>{folded_html(quotes, shown, say)}</details>"
        )
    return folded_html(documents, SHOWN_QUOTES, say)


def folded_html(pieces: Sequence[str], shown: int, say: Phrases) -> str:
    """The first pieces, and the rest in a fold: a sweep of all documents may find hundreds."""
    rest = pieces[shown:]
    if not rest:
        return "".join(pieces)
    summary = f"<summary>{text(say('show_more', count=len(rest)))}</summary>"
    return f'{"".join(pieces[:shown])}<details class="fn-fold">{summary}{"".join(rest)}</details>'


def quote_html(turn: Turn, piece: Evidence, say: Phrases, selected: int | None, *, named: bool = True) -> str:
    """One quote; a click anywhere on it opens its source. `named` tells the file below it."""
    chosen = " fn-chosen" if piece.marker == selected else ""
    where = where_html(piece.hit, say, among=turn.docs, named=named)
    return (
        f'<figure class="fn-quote{chosen}" data-act="cite" data-turn="{text(turn.key)}" '
        f'data-marker="{piece.marker}"><blockquote dir="auto">{words_html(piece)}&nbsp;'
        f"{marker_html(turn, piece.marker, say, selected, card=False)}</blockquote>"
        f"<figcaption>{where}{hidden_html(piece.hit, say)}{superseded_html(piece, say)}</figcaption>"
        "</figure>"
    )


def heading_text(hit: Hit, say: Phrases) -> str:
    """The headings above a passage in a line; the one that hidden text has got in the app's language."""
    return hit.heading.replace(HIDDEN_TEXT, say("hidden_heading"))


def hidden_html(hit: Hit, say: Phrases) -> str:
    """Says that a document does not show the text that is quoted from it."""
    if not hit.passage.is_hidden:
        return ""
    return f'<span class="fn-superseded">{icon("visibility_off")}{text(say("hidden_text"))}</span>'


def superseded_html(piece: Evidence, say: Phrases) -> str:
    """Says that a quote is from a document that a later version has replaced."""
    if piece.superseded is None:
        return ""
    later, since = short_name(piece.superseded.by, [piece.hit.doc]), piece.superseded.since
    message = say("superseded_since", doc=later, date=since) if since else say("superseded", doc=later)
    return f'<span class="fn-superseded" dir="auto">{icon("history")}{text(message)}</span>'


def words_html(piece: Evidence) -> str:
    """A quote of one line as it stands; a heading, a table, a list or code in its shape.

    The sentence that answers is marked in it, and the answer bold. A header that is not in the quote stands
    above it: over a table's rows as their first.
    """
    between = "\n" if piece.header.endswith("|") else "\n…\n\n"
    header = piece.header and piece.header + between
    shown = header + piece.quote
    spans = [
        (span[0] - piece.start + len(header), span[1] - piece.start + len(header), css)
        for span, css in ((piece.sentence, "fn-said"), (piece.answer, "fn-answer"))
        if span
    ]
    spans = [(*whole_emphasis(shown, start, end), css) for start, end, css in spans]
    if starts_in_code(piece.hit.passage, piece.start):
        return f'<pre dir="ltr">{spanned(shown, spans)}</pre>'
    shaped = "\n" in shown or shown.startswith("#")
    return prose(shown, spans) if shaped else emphasised(spanned(shown, spans))


def where_html(hit: Hit, say: Phrases, *, among: Collection[str], named: bool = True) -> str:
    """File, page and heading as one quiet line; without the file where that is not `named`.

    `among` are the documents that the file is to be told apart from.
    """
    parts = [f"<b>{text(short_name(hit.doc, among))}</b>"] if named else []
    if hit.page is not None:
        parts.append(text(say("page", page=hit.page)))
    if hit.heading:
        parts.append(text(heading_text(hit, say)))
    return f'<span dir="auto">{" · ".join(parts)}</span>'


def marker_html(turn: Turn, marker: int, say: Phrases, selected: int | None, *, card: bool = True) -> str:
    """A [n] that opens its source; hovering it, or reaching it by keyboard, shows the quote."""
    source = source_of(turn, marker)
    if source is None:
        return f"[{marker}]"
    label = say("open_source", marker=marker, doc=source.hit.doc)
    css = "fn-cite" + (" fn-chosen" if marker == selected else "")
    button = (
        f'<button type="button" class="{css}" data-act="cite" data-turn="{text(turn.key)}" '
        f'data-marker="{marker}" aria-label="{text(label)}">{marker}</button>'
    )
    return f'<span class="fn-ref">{button}{card_html(turn, source, say) if card else ""}</span>'


def card_html(turn: Turn, source: Source, say: Phrases) -> str:
    """The small card over a citation: the exact quotes and their place."""
    passage = source.hit.passage.text
    quotes = [passage[start:end].strip() for start, end in source.quotes] or [passage]
    shown = shortened(" … ".join(quotes))
    return (
        f'<span class="fn-card" role="tooltip"><span class="fn-card-quote" dir="auto">{text(shown)}</span>'
        f'<span class="fn-card-where">{where_html(source.hit, say, among=turn.docs)}</span></span>'
    )


def shortened(quote: str) -> str:
    """The beginning of a long quote."""
    return quote if len(quote) <= CARD_CHARACTERS else quote[:CARD_CHARACTERS] + "…"


def pictures_html(turn: Turn, say: Phrases) -> str:
    """The pictures that stand in the cited passages; a click opens the passage."""
    figures = [
        f'<figure class="fn-figure" data-act="cite" data-turn="{text(turn.key)}" data-marker="{one.marker}">'
        f'<img src="{image_source(one.thumbnail)}" alt="{text(one.caption or say("picture"))}">'
        f'<figcaption dir="auto">{text(one.caption)} '
        f"{marker_html(turn, one.marker, say, None, card=False)}</figcaption></figure>"
        for one in turn.pictures
    ]
    if not figures:
        return ""
    label = text(say("pictures_beside"))
    return f'<section class="fn-figures" aria-label="{label}">{"".join(figures)}</section>'


def model_html(turn: Turn, say: Phrases, selected: int | None) -> str:
    """The model's own words, labelled as such."""
    name = text(turn.model or say("the_model"))
    caret = '<span class="fn-caret" aria-hidden="true"></span>' if turn.state == "writing" else ""
    live = ' aria-live="polite" aria-busy="true"' if turn.state == "writing" else ""
    silent = turn.reason or turn.problem or say("wrote_nothing")
    words = say("model_reads") if turn.state == "writing" else silent
    waiting = "" if turn.text else f'<span class="fn-reading">{text(words)}</span>'
    return (
        f'<section class="fn-model" aria-label="{text(say("model_words"))}">'
        f'<p class="fn-label">{icon("edit_note")}{text(say("model_words"))}'
        f'<span class="fn-model-name">{name}</span></p>'
        f'<div class="fn-text" dir="auto"{live}>{waiting}{text_html(turn, say, selected)}{caret}</div>'
        f"{stopped_html(turn, say)}{warning_html(turn, say)}</section>"
    )


def text_html(turn: Turn, say: Phrases, selected: int | None) -> str:
    """The generated text: sentences that no passage supports are marked, with the reason."""
    if not turn.sentences:
        return stretch_html(turn, turn.text, say, selected)
    pieces: list[str] = []
    position = 0
    for sentence in turn.sentences:
        pieces.append(stretch_html(turn, turn.text[position : sentence.start], say, selected))
        pieces.append(sentence_html(turn, sentence, say, selected))
        position = sentence.end
    return "".join([*pieces, stretch_html(turn, turn.text[position:], say, selected)])


def sentence_html(turn: Turn, sentence: Sentence, say: Phrases, selected: int | None) -> str:
    """One checked sentence."""
    body = stretch_html(turn, turn.text[sentence.start : sentence.end], say, selected)
    if sentence.supported == "true":
        return body
    why = "; ".join(sentence.problems) or say(f"supported_{sentence.supported}")
    return (
        f'<span class="fn-doubt fn-doubt-{sentence.supported}" title="{text(why)}">{body}'
        f'<span class="fn-hidden"> ({text(why)})</span></span>'
    )


def stretch_html(turn: Turn, value: str, say: Phrases, selected: int | None) -> str:
    """Escaped text with its citations made clickable and its web addresses made to ask."""
    pieces: list[str] = []
    position = 0
    for match in MARKER.finditer(value):
        markers = [int(number) for number in match.group(1).replace(";", ",").split(",")]
        if any(source_of(turn, marker) is None for marker in markers):
            continue
        pieces.append(linked(value[position : match.start()]))
        pieces += [marker_html(turn, marker, say, selected) for marker in markers]
        position = match.end()
    return "".join([*pieces, linked(value[position:])])


def warning_html(turn: Turn, say: Phrases) -> str:
    """How many sentences are in doubt, once the answer has been checked."""
    doubtful = sum(sentence.supported != "true" for sentence in turn.sentences)
    if turn.state != "done" or not doubtful:
        return ""
    return f'<p class="fn-doubts">{icon("flag")}{text(say("doubtful", count=doubtful))}</p>'


def stopped_html(turn: Turn, say: Phrases) -> str:
    """Says that the text is not whole, and why."""
    if turn.state == "done" and turn.problem:
        return f'<p class="fn-stopped">{text(say("model_broke_off", problem=turn.problem))}</p>'
    if turn.state != "done" or turn.usage is None or turn.usage.finish == "stop":
        return ""
    return f'<p class="fn-stopped">{text(say(f"finish_{turn.usage.finish}"))}</p>'


def footer_html(turn: Turn, say: Phrases, selected: int | None) -> str:
    """Sources, what to do with the answer, and what it cost."""
    return (
        f'<footer class="fn-footer">{sources_html(turn, say, selected)}{across_languages_html(turn, say)}'
        f"{partly_read_html(turn, say)}"
        f'<div class="fn-actions">{actions_html(turn, say)}</div>{cost_html(turn, say)}</footer>'
    )


def sources_html(turn: Turn, say: Phrases, selected: int | None) -> str:
    """The cited passages as a row of chips."""
    chips = [source_chip(turn, source, say, selected) for source in sources(turn)]
    if not chips:
        return ""
    shown = folded_html(chips, SHOWN_CHIPS, say)
    return f'<div class="fn-sources" role="group" aria-label="{text(say("sources"))}">{shown}</div>'


def across_languages_html(turn: Turn, say: Phrases) -> str:
    """Says that a question in another language than the passages could not be judged."""
    if not turn.across_languages:
        return ""
    return f'<p class="fn-superseded" dir="auto">{icon("translate")}{text(say("across_languages"))}</p>'


def partly_read_html(turn: Turn, say: Phrases, doc: str | None = None) -> str:
    """Says of the sources, or of one of them, that they were not read whole, and what was left out."""
    lines = (
        f'<p class="fn-superseded" dir="auto">{icon("rule")}'
        f"{text(say('partly_read', doc=short_name(one.doc, turn.docs)))} "
        f"{text(' '.join(map(say.message, one.notes)))}</p>"
        for one in turn.partly_read
        if doc in (None, one.doc)
    )
    return "".join(lines)


def source_chip(turn: Turn, source: Source, say: Phrases, selected: int | None) -> str:
    """Number, file and page of one source; flagged when the file has changed since."""
    name = short_name(source.hit.doc, turn.docs)
    page = "" if source.hit.page is None else f" · {say('page', page=source.hit.page)}"
    stale = turn.stale.get(source.marker, "unchanged")
    flag = "" if stale == "unchanged" else f'<span class="fn-stale">{text(say(f"source_{stale}"))}</span>'
    body = f'<span class="fn-number">{source.marker}</span><span dir="auto">{text(name + page)}</span>{flag}'
    css = "fn-chip" + (" fn-chosen" if source.marker == selected else "")
    label = say("open_source", marker=source.marker, doc=source.hit.doc)
    return action("cite", label, body, css=css, turn=turn.key, marker=source.marker)


def actions_html(turn: Turn, say: Phrases) -> str:
    """Copy, ask again or another model, edit, branch, keep, thumbs, and how the answer came about."""
    up, down = (" fn-on" if turn.thumb == side else "" for side in ("up", "down"))
    return "".join(
        [
            action("copy", say("copy"), icon("content_copy"), copy=plain_text(turn)),
            action("again", say("ask_again"), icon("refresh"), turn=turn.key),
            action("edit", say("edit_question"), icon("edit"), turn=turn.key),
            action("beside", say("beside"), icon("compare_arrows"), turn=turn.key),
            action("branch", say("branch"), icon("call_split"), turn=turn.key),
            action("note", say("keep_note"), icon("bookmark_add"), turn=turn.key),
            action("up", say("good_answer"), icon("thumb_up"), css=up.strip(), turn=turn.key),
            action("down", say("bad_answer"), icon("thumb_down"), css=down.strip(), turn=turn.key),
            action("receipt", say("export_receipt"), icon("receipt_long"), turn=turn.key),
        ]
    )


def plain_text(turn: Turn) -> str:
    """The answer as it goes to the clipboard: value, quotes, the model's text, and the list of sources."""
    lines = [turn.computation.told, ""] if turn.computation else []
    lines += [f"“{piece.quote}” [{piece.marker}]" for piece in turn.evidence]
    if turn.text:
        lines += ["", turn.text.strip()]
    lines.append("")
    for source in sources(turn):
        page = "" if source.hit.page is None else f", p. {source.hit.page}"
        lines.append(f"[{source.marker}] {source.hit.doc}{page}")
    return "\n".join(lines).strip()


def cost_html(turn: Turn, say: Phrases) -> str:
    """Seconds and tokens in one line; unfolded, how the context window was shared out."""
    seconds = [say("seconds_search", seconds=turn.seconds.get("search", 0.0))]
    if turn.usage is not None:
        seconds.append(say("seconds_first", seconds=turn.seconds.get("first_token", 0.0)))
        cached = turn.usage.cached_tokens
        seconds.append(say("tokens_read", new=turn.usage.prompt_tokens - cached, cached=cached))
    seconds.append(say("seconds_total", seconds=turn.seconds.get("total", 0.0)))
    if turn.budget is None:
        return f'<p class="fn-cost">{text(" · ".join(seconds))}</p>'
    tokens = say("tokens_of", used=turn.budget.prompt, window=turn.budget.window)
    return (
        f'<details class="fn-cost"><summary>{text(" · ".join([*seconds, tokens]))}</summary>'
        f"{budget_html(turn, turn.budget, say)}{prompt_html(turn, say)}</details>"
    )


def prompt_html(turn: Turn, say: Phrases) -> str:
    """What the model read, word for word, for whoever doubts it."""
    if turn.answer is None or turn.answer.generation is None:
        return ""
    read = "".join(
        f'<h4>{text(message.role)}</h4><pre dir="auto">{text(message.content)}</pre>'
        for message in turn.answer.generation.messages
    )
    return (
        f'<details class="fn-fold fn-prompt"><summary>{text(say("exact_prompt"))}</summary>{read}</details>'
    )


def budget_shares(budget: BudgetUse) -> list[tuple[str, int]]:
    """What fills the window, in prompt order, in tokens."""
    return [
        ("instructions", budget.instructions),
        ("history", budget.history),
        ("passages", sum(budget.passages.values())),
        ("question", budget.question),
        ("answer", budget.answer),
    ]


def budget_html(turn: Turn, budget: BudgetUse, say: Phrases) -> str:
    """A bar of the window's shares, their names and figures, and what was left out."""
    shares = [(name, tokens) for name, tokens in budget_shares(budget) if tokens]
    bar = "".join(
        passage_shares_html(turn, budget, say)
        if name == "passages"
        else share_html(name, tokens, budget, f"{say(f'share_{name}')}: {tokens:,}")
        for name, tokens in shares
    )
    legend = "".join(
        f'<li><span class="fn-dot fn-share-{name}"></span>{text(say(f"share_{name}"))} <b>{tokens:,}</b></li>'
        for name, tokens in shares
    )
    label = text(say("tokens_of", used=budget.prompt, window=budget.window))
    picture = f'<div class="fn-bar" role="img" aria-label="{label}">{bar}</div>'
    return f'{picture}<ul class="fn-legend">{legend}</ul>{left_out_html(turn, budget, say)}'


def share_html(name: str, tokens: int, budget: BudgetUse, title: str) -> str:
    """One stretch of the bar; `title` shows under the pointer."""
    width = f"{100 * tokens / budget.window:.2f}%"
    return f'<span class="fn-share fn-share-{name}" title="{text(title)}" style="width:{width}"></span>'


def passage_shares_html(turn: Turn, budget: BudgetUse, say: Phrases) -> str:
    """A stretch for each passage, with its name and its tokens under the pointer."""
    return "".join(
        share_html(
            "passages",
            tokens,
            budget,
            say("share_passage", marker=marker, where=place_of(turn, marker, say), tokens=tokens),
        )
        for marker, tokens in budget.passages.items()
    )


def left_out_html(turn: Turn, budget: BudgetUse, say: Phrases) -> str:
    """The passages that were found and did not fit, by name, and the turns of the conversation."""
    notes = ""
    if budget.left_out:
        named = "; ".join(f"[{marker}] {place_of(turn, marker, say)}" for marker in budget.left_out)
        notes += f"<p>{text(say('left_out', count=len(budget.left_out)))}"
        notes += f' <span class="fn-quiet" dir="auto">{text(named)}</span></p>'
    if budget.dropped_turns:
        held = turn.answer is not None and turn.answer.generation and turn.answer.generation.choices
        told = say("history_unread") if held else say("dropped_turns", count=budget.dropped_turns)
        notes += f"<p>{text(told)}</p>"
    return notes


def place_of(turn: Turn, marker: int, say: Phrases) -> str:
    """File and page of a passage in few words; its heading where it has no page."""
    if not 0 < marker <= len(turn.hits):
        return ""
    hit = turn.hits[marker - 1]
    page = heading_text(hit, say) if hit.page is None else say("page", page=hit.page)
    return ", ".join(part for part in (short_name(hit.doc, turn.docs), page) if part)
