"""A chat model's name for a group is taken only if it is a name, and one of these texts."""

from __future__ import annotations

import pytest

from rag.explore.clusters import Cluster
from rag.explore.naming import checked, namer_of
from rag.settings import PROJECT
from tests.explore.test_computations import bunches, points_of
from tests.fakes.web import QueuedModel

TEXTS = "Bicycle repairs: how the chain is oiled. Bicycle tyres: which pressure fits which road."


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Bicycle repairs", "Bicycle repairs"),
        ('"**Bicycle Tyres and Chains.**"\nThat is my name.', "Bicycle Tyres and Chains"),
        ("Submarine warfare", ""),
        ("", ""),
        ("These texts are about bicycles, chains, tyres, pressure and the road", ""),
    ],
)
def test_a_name_is_checked_against_the_texts(written: str, name: str) -> None:
    assert checked(written, TEXTS) == name


def test_an_able_model_names_and_a_weak_one_is_not_asked() -> None:
    model = QueuedModel(["Notes 3 and 4"])
    namer = namer_of(model, PROJECT / "prompts")
    assert namer is not None
    group = Cluster("note", ("note",), (3, 4), (0.9, 0.8))
    assert namer(points_of(bunches(6)), group) == "Notes 3 and 4"
    assert "Note 3" in model.prompts[0][0].content
    model.answer_mode = "quoting"
    assert namer_of(model, PROJECT / "prompts") is None
    assert namer_of(None, PROJECT / "prompts") is None
