"""Titles that no author gave: what programs put into a file's properties by themselves."""

from __future__ import annotations

import re

_PRODUCER = re.compile(r"^(?:microsoft (?:word|powerpoint|excel)|print)\s*-\s*", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"(?:untitled|unbenannt|无标题|(?:document|dokument|文档|presentation|präsentation|演示文稿|book|mappe|工作簿"
    r"|slide|folie|title|titel)\s?\d*|(?:word|powerpoint) (?:document|presentation)|powerpoint-präsentation"
    r"|[\W\d_]*|.*\.(?:docx?|xlsx?|pptx?|indd|qxd|tex|pdf|odt|rtf|html?|cdr|dvi|ps))",
    re.IGNORECASE,
)


def given_title(title: object) -> str | None:
    """The title without its program's name in front, None for a placeholder such as "Presentation1"."""
    text = _PRODUCER.sub("", " ".join(str(title or "").split()))
    return None if _PLACEHOLDER.fullmatch(text) else text
