"""What a question names with an @."""

from __future__ import annotations

import pytest

from rag.answer.mentions import Mentioned, mentioned
from rag.records import DocumentEntry

DOCS = {
    "hr/leave-2024.md": "Leave of absence",
    "hr/travel.md": "Travel",
    "员工手册.pdf": "员工手册",
    "tools/property.py": "property.py",
}
ENTRIES = [
    DocumentEntry(number, doc, title, "text/plain") for number, (doc, title) in enumerate(DOCS.items())
]


def named(question: str) -> Mentioned:
    """What a question names of these documents, and of a collection of none."""
    return mentioned(
        question, collections=["boats", "old boats"], entries_of=lambda name: [] if name else ENTRIES
    )


@pytest.mark.parametrize(
    ("question", "text", "docs"),
    [
        ("How long is @leave-2024.md?", "How long is leave-2024.md?", ("hr/leave-2024.md",)),
        ("@Leave of absence: how long?", "Leave of absence: how long?", ("hr/leave-2024.md",)),
        ('Summarise @"leave of absence".', "Summarise leave of absence.", ("hr/leave-2024.md",)),
        (
            "Compare @travel and @leave-2024",
            "Compare travel and leave-2024",
            ("hr/travel.md", "hr/leave-2024.md"),
        ),
        ("@hr/ who approves?", "hr/ who approves?", ("hr/leave-2024.md", "hr/travel.md")),
        ("@员工手册里有几天假？", "员工手册里有几天假？", ("员工手册.pdf",)),
    ],
)
def test_a_document_is_named_by_path_name_title_or_folder(
    question: str, text: str, docs: tuple[str, ...]
) -> None:
    assert named(question) == Mentioned(text, None, docs)


@pytest.mark.parametrize(
    "question",
    ["Write to ann@travel.md", "What does @dataclass do?", "@travelling costs?", "5 @ 3 euros", "", "@"],
)
def test_what_nothing_is_called_after_stays(question: str) -> None:
    assert named(question) == Mentioned(question)


def test_a_collection_is_named_and_its_documents_count() -> None:
    assert named("@old boats and @travel: how many?") == Mentioned(
        "old boats and @travel: how many?", "old boats"
    )
