"""What a passage says to a claim: yes, no, or nothing."""

from __future__ import annotations

import pytest

from rag.verify.grounding import stances
from tests.verify.test_grounding import make_hit

RULES = (
    "The pool opens on 14 May. Guests pay 6 euros a visit. Dogs are not allowed on the lawn. "
    "The landlord repairs the fence. Ivo Brandt signed the rules."
)


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        pytest.param("The pool opens on 14 May.", "yes", id="same"),
        pytest.param("Guests pay six euros a visit.", "yes", id="spelled"),
        pytest.param("The pool opens on 15 May.", "no", id="date"),
        pytest.param("Guests pay 8 euros a visit.", "no", id="number"),
        pytest.param("Dogs are allowed on the lawn.", "no", id="negation dropped"),
        pytest.param("The pool does not open on 14 May.", "no", id="negation added"),
        pytest.param("The tenant repairs the fence.", "no", id="party"),
        pytest.param("The pool has a slide.", "nothing", id="not said"),
        pytest.param("Cats are not allowed on the lawn.", "nothing", id="another subject"),
        pytest.param("The tenant's guests pay 6 euros a visit.", "nothing", id="one word more"),
        pytest.param("The lawn was sown in 1998.", "nothing", id="a number where the source has none"),
        pytest.param("Mara Brandt signed the rules.", "nothing", id="both may have signed"),
    ],
)
def test_a_passage_says_yes_no_or_nothing(claim: str, says: str) -> None:
    (found,) = stances(claim, [make_hit(RULES)])
    assert found.says == says


def test_the_quote_is_the_nearest_sentence_and_the_problem_needs_no_marker() -> None:
    (found,) = stances("Guests pay 8 euros a visit.", [make_hit(RULES)])
    assert RULES[found.start : found.end] == "Guests pay 6 euros a visit."
    assert found.problems == ("8 is not in",)


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        pytest.param("Gloves go into the orange bag.", "yes", id="its own line"),
        pytest.param("Gloves go into the yellow bag.", "nothing", id="the line above"),
        pytest.param("The copper kettle boils in 9 minutes.", "yes", id="a row under its header"),
        pytest.param("The price of the steel kettle is 25 euros.", "yes", id="another column"),
        pytest.param("The copper kettle costs 9 minutes.", "nothing", id="no such column"),
        pytest.param("The copper kettle boils in 7 minutes.", "nothing", id="the number of another row"),
        pytest.param("The copper kettle boils in 40 minutes.", "nothing", id="the number of another column"),
        pytest.param("The price of the copper kettle is 25 euros.", "nothing", id="another row's price"),
    ],
)
def test_lines_and_rows_are_read_one_by_one(claim: str, says: str) -> None:
    """A poster's lines end without a full stop, and are one sentence to the splitter."""
    text = (
        "Waste\n\nYellow bag: dressings go into it, masks\nOrange bag: gloves, gowns go into it\n\n"
        "| Kettle | Boils in minutes | Price in euros |\n|---|---|---|\n"
        "| copper | 9 | 40 |\n| steel | 7 | 25 |"
    )
    (found,) = stances(claim, [make_hit(text)])
    assert found.says == says
