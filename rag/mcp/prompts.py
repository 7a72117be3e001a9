"""The prompts that a client offers its user; their texts are files in `prompts/`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from rag.prompts import render

DocumentName = Annotated[str, Field(description="Path or title of a document")]


class Prompts:
    """The prompts of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask_with_sources(self, question: Annotated[str, Field(description="What you want to know")]) -> str:
        """Answer a question from my documents, with a source for each sentence."""
        return render("mcp_ask", folder=self._folder, question=question)

    def summarise_document(self, document: DocumentName) -> str:
        """Summarise one document, with the words that each point rests on."""
        return render("mcp_summarise", folder=self._folder, document=document)

    def compare_documents(self, first: DocumentName, second: DocumentName) -> str:
        """Say where two documents differ, quoted from both."""
        return render("mcp_compare", folder=self._folder, first=first, second=second)

    def check_draft(self, draft: Annotated[str, Field(description="The text to check")]) -> str:
        """Check each statement of a draft against my documents."""
        return render("mcp_check_draft", folder=self._folder, draft=draft)
