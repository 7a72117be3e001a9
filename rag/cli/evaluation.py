"""Commands that measure: eval, bench."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli import app
from rag.cli.documents import follow_ingest
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import messages, print_json, results, say
from rag.errors import UsageError
from rag.evaluation.experiment import GIVEN_ANSWER
from rag.settings import PROJECT

if TYPE_CHECKING:
    from rich.progress import TaskID
    from rich.table import Table

    from rag.evaluation import Comparison, Evaluation
    from rag.evaluation.runner import Configuration, Progress
    from rag.library import Library

Record = Mapping[str, Any]

SELF_SUFFICIENT = ("embedding", "generation")
BENCHMARKS = PROJECT / "tests" / "benchmarks"
SHOWN_IDS = 8
WIDEST = 1000
PLOTS = (".html", ".json")
REMEDIES = {
    "embedding_model": "Then embed each collection with it: python -m rag embed --collection NAME",
    "chunk_tokens": "It holds for files that are read from now on. To read all again: "
    "python -m rag collections remove NAME, then ingest",
}
SHOWN = ("recall@1", "recall@5", "recall@10", "recall@20", "mrr@10", "ndcg@10")


@app.command(name="eval")
def evaluate(
    context: typer.Context,
    sets: Annotated[
        list[Path] | None, typer.Argument(help="Folders with corpus/ and questions.jsonl.", metavar="SET...")
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            help="NAME=VALUE,VALUE to compare; may be repeated. The names are those of the settings: each of "
            "the ranking (reranked=0 goes without the reranker), chunk_tokens, embedding_model; and those of "
            "answers: top_k, passage_tokens, evidence_sentences, compress, chat_model, answer_mode, prompts.",
        ),
    ] = None,
    with_baselines: Annotated[
        bool, typer.Option("--baselines", help="Compare with vectors only, keywords only and plain fusion.")
    ] = False,
    questions: Annotated[
        int, typer.Option("--questions", min=10, help="Questions made from a collection's own passages.")
    ] = 200,
    written: Annotated[
        bool,
        typer.Option(
            "--written/--no-written",
            help="Have the chat model write the questions (seconds each); else they are halves of sentences.",
        ),
    ] = False,
    answers: Annotated[
        bool,
        typer.Option(
            "--answers", help="Measure whole answers instead of searches; a grid of theirs does too."
        ),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Draw recall by cutoff into FILE.html, or FILE.json (Vega-Lite)."),
    ] = None,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Measure retrieval on question sets; without a SET, on questions made from the collection itself."""
    from rag.evaluation import evaluation_json
    from rag.evaluation.runner import without_effect

    if plot is not None and plot.suffix not in PLOTS:
        raise UsageError(f"{plot} has to end in {' or '.join(PLOTS)}.")
    if written and sets:
        raise UsageError("--written makes questions from a collection; a SET has its own.")
    opened = open_library(context, library=library, collection=collection)
    tried = compared(opened, grid or [], with_baselines=with_baselines)
    if plot is not None and (answers or any(one.answering for one in tried)):
        raise UsageError("--plot draws what searches find; leave --answers and the grid of answers out.")
    for warning in without_effect(opened, tried):
        say(f"Note: {warning}")
    records = []
    for folder in sets or (None,):
        if folder is None:
            evaluation = evaluate_own(opened, tried, count=questions, written=written, answers=answers)
        else:
            evaluation = evaluate_one_set(opened, folder, tried, answers=answers)
        records.append(evaluation_json(evaluation))
        if as_json:
            print_json(records[-1])
        else:
            print_evaluation(evaluation, records[-1])
    if plot is not None:
        write_plot(plot, records)


def compared(library: Library, grid: list[str], *, with_baselines: bool) -> list[Configuration]:
    """What is in use, then the grid, then the baselines; what is shipped is one where it is not in use."""
    from rag.evaluation.runner import SHIPPED, Configuration, baselines, configurations

    tried = configurations(grid, base=library.settings.ranking)
    if not with_baselines:
        return tried
    shipped = [] if tried[0].name == SHIPPED else [Configuration(SHIPPED)]
    return [*tried, *shipped, *baselines()]


def evaluate_one_set(
    library: Library, folder: Path, tried: list[Configuration], *, answers: bool
) -> Evaluation:
    """Asks the questions of a set, whose corpus is indexed first."""
    from rag.evaluation.runner import evaluate_set

    with progress_bars() as bar:
        asked = bar("Questions asked")
        return evaluate_set(library, folder, tried, follow=follow_ingest, progress=asked, answers=answers)


def evaluate_own(
    library: Library, tried: list[Configuration], *, count: int, written: bool, answers: bool
) -> Evaluation:
    """Asks the library's collection questions about its own passages."""
    from rag.evaluation.runner import evaluate_collection

    with progress_bars() as bar:
        return evaluate_collection(
            library,
            library.settings.collection,
            tried,
            count=count,
            written=written,
            answers=answers,
            writing=bar("Questions made"),
            progress=bar("Questions asked"),
        )


@contextmanager
def progress_bars() -> Iterator[Callable[[str], Progress]]:
    """Gives a bar for a name, which shows once something is done, with the time left."""
    from rich.progress import Progress as Bar

    with Bar(console=messages, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name)
            bars.update(tasks[name], completed=done, total=total)

        yield lambda name: partial(advance, name)


def print_evaluation(evaluation: Evaluation, record: Record) -> None:
    """A table for each level, with what differs from the first setting by more than noise, and the winner."""
    origin = evaluation.origin
    if origin.written_by:
        results.print(
            f"{len(evaluation.questions)} questions written by {origin.written_by}; "
            f"{origin.dropped} more were of no use"
        )
    elif origin.collection:
        results.print(f"{len(evaluation.questions)} questions, each half of a sentence of a passage")
    for level in evaluation.trials[0].scores:
        results.print(level_table(evaluation, level))
        print_comparisons(evaluation, level, with_ids=level == evaluation.level)
    if len(evaluation.trials) > 2:
        results.print(f"p-values are corrected for {len(evaluation.trials) - 1} settings compared (Holm)")
    for trial in evaluation.trials:
        middle = sorted(trial.seconds)[len(trial.seconds) // 2]
        what = "an answer" if GIVEN_ANSWER in trial.scores else "a search"
        results.print(f"{trial.setting}: {1000 * middle:.1f} ms {what} (median)")
    print_winner(evaluation, record)


def level_table(evaluation: Evaluation, level: str) -> Table:
    """The measures of each setting at one level."""
    from rich.table import Table

    table = Table(title=f"{evaluation.name}: {level}", title_justify="left", box=None)
    table.add_column("setting")
    shown = (
        SHOWN
        if SHOWN[0] in evaluation.trials[0].estimates[level]
        else tuple(evaluation.trials[0].scores[level])
    )
    for measure in shown:
        table.add_column(measure, justify="right")
    for trial in evaluation.trials:
        means = trial.estimates[level]
        table.add_row(
            trial.setting,
            *(
                f"{means[m].mean:.3f} ±{(means[m].high - means[m].low) / 2:.3f}" if m in means else ""
                for m in shown
            ),
        )
    # A row stays one line, however narrow the terminal.
    table.width = table.__rich_measure__(results, results.options.update(width=WIDEST)).maximum
    return table


def print_comparisons(evaluation: Evaluation, level: str, *, with_ids: bool) -> None:
    """What each other setting finds more or less than the first at one level, a line a setting."""
    for trial in evaluation.trials[1:]:
        compared = [
            one for setting, one in evaluation.comparisons if setting == trial.setting and one.level == level
        ]
        results.print(f"{trial.setting}: {' · '.join(map(comparison_text, compared))}")
        for one in compared if with_ids else ():
            for what, ids in (("won", one.won), ("lost", one.lost)):
                if ids:
                    results.print(f"  {one.measure} {what}: {shortened(ids)}", style="dim")
    results.print()


def comparison_text(one: Comparison) -> str:
    """One measure's difference from the first setting, and whether it is more than noise."""
    return (
        f"{one.measure} {one.difference.mean:+.3f} ({one.verdict}, p = {one.p_corrected:.3f}; "
        f"{len(one.won)} won, {len(one.lost)} lost)"
    )


def print_winner(evaluation: Evaluation, record: Record) -> None:
    """The lines of settings.toml that make the better setting the one in use."""
    import tomli_w

    from rag.evaluation import winner
    from rag.settings import SETTINGS_FILE

    if len(evaluation.trials) == 1:
        return
    best = winner(record, evaluation.level)
    if best is None:
        results.print(f"No setting is better than '{evaluation.trials[0].setting}' beyond chance.")
        return
    lines = tomli_w.dumps(best["values"]).strip()
    results.print(
        f"Better: {best['setting']}. To search so from now on, put into {SETTINGS_FILE}:\n\n{lines}"
    )
    for name in REMEDIES.keys() & best["values"].keys():
        results.print(f"\n{REMEDIES[name]}")


def write_plot(path: Path, records: Sequence[Record]) -> None:
    """The chart of each evaluation; of several, each into a file that its set's name is added to."""
    from rag.evaluation import chart, chart_page

    for record in records:
        target = path if len(records) == 1 else path.with_stem(f"{path.stem}-{record['set']}")
        text = chart_page(record) if path.suffix == ".html" else json.dumps(chart(record), ensure_ascii=False)
        try:
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{target} cannot be written: {error.strerror}") from error
        say(f"The chart is in {target}.")


def shortened(ids: Sequence[str]) -> str:
    """The first of many ids; `--json` gives all."""
    more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
    return ", ".join(ids[:SHOWN_IDS]) + more


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One benchmark, by name.")] = None,
) -> None:
    """Time the stages on this machine, each against its alternative in the same run.

    Without a name, those run that need nothing but the models. What follows a name goes to that
    benchmark; called without it, a benchmark says what it needs.
    """
    found = sorted(path.stem.removeprefix("bench_") for path in BENCHMARKS.glob("bench_*.py"))
    if not found:
        raise UsageError("The benchmarks come with the source code: run this in a clone of the repository.")
    if name is not None and name not in found:
        raise UsageError(f"There is no benchmark '{name}'. There are: {', '.join(found)}.")
    for one in [name] if name else SELF_SUFFICIENT:
        results.print(f"== {one}", style="bold")
        command = [sys.executable, "-m", f"tests.benchmarks.bench_{one}", *context.args]
        if code := subprocess.run(command, check=False, cwd=PROJECT).returncode:
            raise typer.Exit(code)
