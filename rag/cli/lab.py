"""Commands that measure: eval, bench."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli import app
from rag.cli.documents import follow_ingest
from rag.cli.options import CollectionOption, JsonOption, LibraryOption, open_library
from rag.cli.printing import messages, print_json, results
from rag.config import PROJECT
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.evaluation import Evaluation
    from rag.lab import Progress

SELF_SUFFICIENT = ("embedding", "generation")
BENCHMARKS = PROJECT / "tests" / "benchmarks"
SHOWN_IDS = 8
SHOWN = ("recall@1", "recall@5", "recall@10", "recall@20", "mrr@10", "ndcg@10")


@app.command(name="eval")
def evaluate(
    context: typer.Context,
    sets: Annotated[
        list[Path] | None, typer.Argument(help="Folders with corpus/ and questions.jsonl.", metavar="SET...")
    ] = None,
    grid: Annotated[
        list[str] | None, typer.Option("--grid", help="NAME=VALUE,VALUE to compare; may be repeated.")
    ] = None,
    with_baselines: Annotated[
        bool, typer.Option("--baselines", help="Compare with vectors only, keywords only and plain fusion.")
    ] = False,
    questions: Annotated[
        int, typer.Option("--questions", min=10, help="Questions made from a collection's own passages.")
    ] = 200,
    as_json: JsonOption = False,
    library: LibraryOption = None,
    collection: CollectionOption = None,
) -> None:
    """Measure retrieval on question sets; without a SET, on questions made from the collection itself."""
    from rag.evaluation import evaluation_json
    from rag.lab import baselines, configurations, evaluate_collection, evaluate_set

    opened = open_library(context, library=library, collection=collection)
    tried = configurations(grid or []) + (baselines() if with_baselines else [])
    for folder in sets or (None,):
        with progress_bar() as progress:
            if folder is None:
                name = opened.settings.collection
                evaluation = evaluate_collection(opened, name, tried, count=questions, progress=progress)
            else:
                evaluation = evaluate_set(opened, folder, tried, follow=follow_ingest, progress=progress)
        if as_json:
            print_json(evaluation_json(evaluation))
        else:
            print_evaluation(evaluation)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar for searches done of searches in all."""
    from rich.progress import Progress as Bar

    with Bar(console=messages, transient=True) as bar:
        task = bar.add_task("Questions", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_evaluation(evaluation: Evaluation) -> None:
    """A table for each level, and whether each other setting differs from the first by more than noise."""
    from rich.table import Table

    for level in evaluation.trials[0].scores:
        table = Table(title=f"{evaluation.name}: {level}", title_justify="left", box=None)
        table.add_column("setting")
        for measure in SHOWN:
            table.add_column(measure, justify="right")
        for trial in evaluation.trials:
            means = trial.estimates()[level]
            table.add_row(
                trial.setting,
                *(
                    f"{means[m].mean:.3f} ±{(means[m].high - means[m].low) / 2:.3f}"
                    for m in SHOWN
                    if m in means
                ),
            )
        results.print(table)
    for setting, comparison in evaluation.comparisons():
        results.print(
            f"{setting}: {comparison.measure} {comparison.difference.mean:+.3f} ({comparison.verdict}; "
            f"{len(comparison.won)} won, {len(comparison.lost)} lost)"
        )
        for what, ids in (("won", comparison.won), ("lost", comparison.lost)):
            if ids:
                results.print(f"  {what}: {shortened(ids)}", style="dim")
    for trial in evaluation.trials:
        middle = sorted(trial.seconds)[len(trial.seconds) // 2]
        results.print(f"{trial.setting}: {1000 * middle:.1f} ms a search (median)")


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
    if name is not None and name not in found:
        raise UsageError(f"There is no benchmark '{name}'. There are: {', '.join(found)}.")
    for one in [name] if name else SELF_SUFFICIENT:
        results.print(f"== {one}", style="bold")
        command = [sys.executable, "-m", f"tests.benchmarks.bench_{one}", *context.args]
        if code := subprocess.run(command, check=False, cwd=PROJECT).returncode:
            raise typer.Exit(code)
