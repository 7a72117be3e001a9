"""How well found: recall, MRR and nDCG with their uncertainty, and what differs beyond chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.evaluation.match import Found, Level

CUTOFFS = (1, 5, 10, 20)
RESAMPLES = 2000

PerQuestion = dict[str, float]
Scores = dict[str, dict[str, PerQuestion]]
"""`scores[level][measure][question id]`, each between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `count` questions with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same questions under two settings: `difference` is the second's mean minus the first's.

    `p_value` is of a two-sided paired permutation test; `p_corrected` allows for how many settings
    were compared. `won` and `lost` are the questions that the second does better and worse.
    """

    level: str
    measure: str
    difference: Estimate
    p_value: float
    p_corrected: float
    won: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Whether the difference is more than noise, at the 5 % level."""
        if self.p_corrected >= 0.05:
            return "no difference beyond chance"
        return "better" if self.difference.mean > 0 else "worse"


def score(found: Mapping[str, Found], *, cutoffs: Sequence[int] = CUTOFFS) -> Scores:
    """The measures of every question that has an answer, level by level.

    `recall@k` is 1 where one of the first k passages brings a gold item (a success, as most
    retrieval papers count recall for questions with one answer); the level `all documents` has the
    share of the gold documents brought. `mrr@10` and `ndcg@10` count a gold item where it first comes.
    """
    answerable = {id_: one for id_, one in found.items() if one.gold["document"] or "passage" in one.gold}
    scores: Scores = {}
    for level in _levels(answerable.values()):
        some = {id_: one for id_, one in answerable.items() if one.gold.get(level)}
        scores[level] = _measured(level, some, cutoffs)
    if any(len(one.gold["document"]) > 1 for one in answerable.values()):
        scores["all documents"] = _measured("document", answerable, cutoffs, share=True)
    return scores


def estimate(values: Iterable[float], *, seed: int = 0) -> Estimate:
    """The mean of values and its 95 % percentile bootstrap interval (Efron 1979)."""
    from scipy.stats import bootstrap

    data = np.fromiter(values, dtype=np.float64)
    if data.size == 0:
        return Estimate(0.0, 0.0, 0.0, 0)
    mean = float(data.mean())
    if np.ptp(data) == 0:
        return Estimate(mean, mean, mean, data.size)
    interval = bootstrap(
        (data,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=200,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high), data.size)


def compare(first: Scores, second: Scores, *, level: str, measure: str, seed: int = 0) -> Comparison:
    """The second setting against the first over the questions both have.

    The permutation test swaps the two results of a question at random (Smucker, Allan, Carterette,
    CIKM 2007).
    """
    from scipy.stats import permutation_test

    one, other = first[level][measure], second[level][measure]
    ids = [id_ for id_ in one if id_ in other]
    before, after = np.array([one[id_] for id_ in ids]), np.array([other[id_] for id_ in ids])
    changed = before != after
    p_value = 1.0  # one changed question proves nothing, and cannot be permuted
    if changed.sum() > 1:
        p_value = permutation_test(
            (after[changed], before[changed]),
            lambda x, y, axis: np.mean(x - y, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES * 5,
            batch=500,
            rng=np.random.default_rng(seed),
        ).pvalue
    return Comparison(
        level,
        measure,
        estimate(after - before, seed=seed),
        float(p_value),
        float(p_value),
        tuple(id_ for id_, better in zip(ids, after > before, strict=True) if better),
        tuple(id_ for id_, worse in zip(ids, after < before, strict=True) if worse),
    )


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Comparisons of several settings with the same one: the more of them, the more look better by chance.

    Holm: A simple sequentially rejective multiple test procedure (Scandinavian Journal of
    Statistics, 1979), as adjusted p-values.
    """
    values = np.array([one.p_value for one in comparisons])
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(raised, 1.0)
    return [replace(one, p_corrected=float(p)) for one, p in zip(comparisons, adjusted, strict=True)]


def _levels(found: Iterable[Found]) -> list[Level]:
    order: tuple[Level, ...] = ("document", "page", "answer", "doc+answer", "passage")
    there = {level for one in found for level, gold in one.gold.items() if gold}
    return [level for level in order if level in there]


def _measured(
    level: Level, found: Mapping[str, Found], cutoffs: Sequence[int], *, share: bool = False
) -> dict[str, PerQuestion]:
    import ir_measures
    from ir_measures import RR, R, Success, nDCG

    recall = R if share else Success
    names = {recall @ k: f"recall@{k}" for k in cutoffs}
    if not share:
        names |= {RR @ 10: "mrr@10", nDCG @ 10: "ndcg@10"}
    gold = {id_: dict.fromkeys(one.gold[level], 1) for id_, one in found.items()}
    run = {id_: _ranked(one.units[level]) for id_, one in found.items()}
    table: dict[str, PerQuestion] = {name: dict.fromkeys(found, 0.0) for name in names.values()}
    for result in ir_measures.iter_calc(list(names), gold, run):
        table[names[result.measure]][result.query_id] = float(result.value)
    return table


def _ranked(units: Sequence[str]) -> dict[str, float]:
    """A ranked list as the library reads it: places that bring nothing new stay as places."""
    return {unit or f" {rank}": -float(rank) for rank, unit in enumerate(units, start=1)} or {" ": 0.0}
