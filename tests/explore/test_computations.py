"""Clusters, maps, scales and sums on vectors whose answer is known."""

from __future__ import annotations

import base64
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import UsageError
from rag.explore.arithmetic import Term, added, parse_sum
from rag.explore.clusters import cluster, distinctive_terms
from rag.explore.codec import read, written
from rag.explore.compare import distances
from rag.explore.functions import cosine, vector_blob, vector_json
from rag.explore.points import Points, unit
from rag.explore.projection import flattened
from rag.explore.scales import make_scale, parse_examples, scores
from rag.explore.terms import as_written, distinct, telling_words
from rag.interfaces import Vectors
from rag.store import PointLabel


def bunches(*sizes: int, spread: float = 0.1) -> Vectors:
    """Points around as many orthogonal directions as there are sizes."""
    random = np.random.default_rng(3)
    centres = np.eye(16, dtype=np.float32)
    found = [centres[i] + spread * random.standard_normal((n, 16)) for i, n in enumerate(sizes)]
    return unit(np.concatenate(found).astype(np.float32))


def points_of(vectors: Vectors) -> Points:
    labels = [
        PointLabel(i, i, f"{i}.md", f"Note {i}", "", None, "en", None, 0, 0) for i in range(len(vectors))
    ]
    ids = np.arange(len(vectors), dtype=np.int64)
    return Points("documents", ids, vectors, np.zeros(16, np.float32), tuple(labels))


@pytest.mark.parametrize("count", [3, None], ids=["k-means", "automatic"])
def test_bunches_are_clusters_named_by_their_own_words(count: int | None) -> None:
    sizes = (14, 10, 8)
    words = [["common", name] for name, size in zip(("boats", "cheese", "comets"), sizes, strict=True)
             for _ in range(size)]  # fmt: skip
    found = cluster(points_of(bunches(*sizes)), words, count)
    assert [len(one.members) for one in found] == list(sizes)
    assert [one.terms[0] for one in found] == ["boats", "cheese", "comets"]
    assert all(one.similarities == tuple(sorted(one.similarities, reverse=True)) for one in found)


def test_what_is_told_apart_by_nothing_is_still_clustered() -> None:
    found = cluster(points_of(unit(np.ones((6, 16), np.float32))), [["same"]] * 6, None)
    assert sum(len(one.members) for one in found) == 6


@pytest.mark.parametrize(("vectors", "count"), [(3, 4), (1, None), (0, None)])
def test_more_clusters_than_documents_are_refused(vectors: int, count: int | None) -> None:
    with pytest.raises(UsageError, match="too few"):
        cluster(points_of(bunches(vectors)), [[]] * vectors, count)


def test_distinctive_terms_are_those_the_others_lack() -> None:
    groups = [[["sea", "ship"], ["sea", "sail"]], [["sea", "goat"], ["goat", "goat", "goat", "goat", "goat"]]]
    assert distinctive_terms(groups, 2) == [["sea", "sail"], ["goat", "sea"]]


def test_one_text_alone_does_not_name_its_group() -> None:
    groups = [[["ids"] * 500, ["pump", "valve"], ["pump", "valve"], ["pump"], ["pump"]], [["lamp"]]]
    assert distinctive_terms(groups, 1)[0] == ["pump"]


def test_titles_name_a_group_by_their_words_and_pairs_as_they_write_them() -> None:
    bodies = [["oven", "oven", "oven", "flour", "rye", "bread"]] * 4, [["valve", "pump"]] * 4
    titles = [[["rye", "bread"], ["kitchen"]]] * 4, [[["pump"]]] * 4
    assert distinctive_terms(bodies)[0][0] == "oven"
    assert distinctive_terms(bodies, titles=titles) == [["rye bread", "oven", "flour"], ["pump", "valve"]]
    assert as_written("rye bread", ["Baking Rye Bread", "The Rye Bread of Aldmoor"]) == "Rye Bread"
    assert as_written("baking", ["Baking rye bread"]) == "baking"
    assert as_written("macos", ["macOS in the kitchen"]) == "macOS"
    assert as_written("oven", []) == "oven"


def test_terms_are_words_without_function_words_addresses_and_endings() -> None:
    text = "Für die Pumpe: see https://example.org/x and don't [click](http://e.example) PUMPE 水泵站"
    assert telling_words(text) == ["pumpe", "click", "pumpe", "水泵", "泵站"]
    assert distinct(["plugin", "plugins", "hook"], 5) == ["plugin", "hook"]
    assert distinct(["git hook", "hooks", "commit"], 5) == ["git hook", "commit"]


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_map_keeps_bunches_apart_and_is_the_same_each_time(method: str) -> None:
    vectors = bunches(12, 12)
    drawn = flattened(vectors, method)  # type: ignore[arg-type]
    first, second = drawn[:12], drawn[12:]
    apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert apart > 2 * np.linalg.norm(first - first.mean(axis=0), axis=1).mean()
    assert np.abs(drawn).max() == pytest.approx(1)
    np.testing.assert_array_equal(drawn, flattened(vectors, method))  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_few_points_have_a_map_too(count: int) -> None:
    for method in ("pca", "tsne"):
        assert flattened(bunches(count), method).shape == (count, 2)


def test_two_ends_are_a_line_from_zero_to_one() -> None:
    dark, light = np.eye(3, dtype=np.float32)[:2]
    scale = make_scale({"dark": np.array([dark]), "light": np.array([light])})
    found = scores(scale, np.array([dark, light, (dark + light) / 2]))
    np.testing.assert_allclose(found[:, 1], [0, 1, 0.5], atol=1e-6)
    assert scale.accuracy is None


def test_several_classes_and_how_well_their_examples_are_told_apart() -> None:
    vectors = bunches(4, 4, 4)
    examples = {"a": vectors[:4], "b": vectors[4:8], "c": vectors[8:]}
    scale = make_scale(examples)
    assert scores(scale, vectors).argmax(axis=1).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert scale.accuracy == 1.0
    mixed = make_scale({"a": vectors[[0, 4, 8]], "b": vectors[[1, 5, 9]]})
    assert mixed.accuracy is not None and mixed.accuracy < 0.8


def test_the_ends_of_a_scale_are_named_or_called_by_their_example() -> None:
    assert parse_examples(["formal=Dear Sir | Yours", "hey you"]) == {
        "formal": ["Dear Sir", "Yours"],
        "hey you": ["hey you"],
    }


@pytest.mark.parametrize("ends", [["a=", "b=x"], ["a=x", "a=y"], [" "]])
def test_a_scale_that_is_none_is_refused(ends: list[str]) -> None:
    with pytest.raises(UsageError, match="NAME=example"):
        parse_examples(ends)


def test_a_scale_of_one_end_is_refused() -> None:
    with pytest.raises(UsageError, match="two ends"):
        make_scale({"a": bunches(2)})


@pytest.mark.parametrize(
    ("expression", "terms"),
    [
        ("king - man + woman", [(1, "king"), (-1, "man"), (1, "woman")]),
        ("- rain", [(-1, "rain")]),
        ("built-in tools + 3", [(1, "built-in tools"), (1, "3")]),
        ('"a b" − c', [(1, "a b"), (-1, "c")]),
    ],
)
def test_sums_are_parsed_and_hyphens_stay(expression: str, terms: list[tuple[int, str]]) -> None:
    assert parse_sum(expression) == [Term(*term) for term in terms]


@pytest.mark.parametrize("expression", ["", "a + ", "a - + b"])
def test_a_sum_with_nothing_in_it_is_refused(expression: str) -> None:
    with pytest.raises(UsageError, match="not a sum"):
        parse_sum(expression)


def test_a_sum_takes_away() -> None:
    first, second = np.eye(2, dtype=np.float32)
    found = added(parse_sum("a + a - b"), np.array([first, first, second]))
    np.testing.assert_allclose(found, [0.894, -0.447], atol=1e-3)


floats = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40)


@given(floats, st.sampled_from(["json", "hex", "binary"]))
def test_a_vector_is_read_as_it_was_written(vector: list[float], form: str) -> None:
    data = written(vector, form)  # type: ignore[arg-type]
    if form != "binary":  # bytes may look like one of the others
        np.testing.assert_array_equal(np.array(read(data), np.float32), np.array(vector, np.float32))
    else:
        assert data == struct.pack(f"<{len(vector)}f", *vector)


def test_the_forms_are_those_of_other_tools() -> None:
    raw = struct.pack("<2f", 0.5, -0.25)
    assert written([0.5, -0.25], "hex").decode() == raw.hex()
    assert base64.b64decode(written([0.5, -0.25], "base64")) == raw
    assert json.loads(written([0.1], "json")) == [0.1]
    assert read(raw) == read(base64.b64encode(raw)) == [0.5, -0.25]
    assert read(base64.b64encode(bytes(12))) == [0, 0, 0]


@pytest.mark.parametrize("data", [b"", b"abc", b"[1, x]", b"[[1]]"])
def test_what_is_no_vector_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="not a"):
        read(data)


def test_sql_functions_take_vectors_in_any_form() -> None:
    assert cosine(vector_blob("[1, 0]"), "[0, 2]") == 0
    assert cosine("[1, 1]", written([2, 2], "hex").decode()) == pytest.approx(1)
    assert json.loads(str(vector_json(vector_blob("[0.5, 1]")))) == [0.5, 1]
    assert cosine(None, "[1]") is None and vector_json(None) is None and vector_blob(None) is None
    with pytest.raises(UsageError, match="2 and 1 dimensions"):
        cosine("[1, 1]", "[1]")


def test_distances_by_several_measures() -> None:
    first, second = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)
    found = distances(first, second)
    assert found == pytest.approx({"cosine": 0, "dot": 0, "euclidean": 2**0.5, "manhattan": 2})
