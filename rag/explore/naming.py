"""Names for clusters, written by a chat model that is able to and checked against the texts."""

from __future__ import annotations

from pathlib import Path

from rag.explore.clusters import Cluster
from rag.explore.collection import Namer
from rag.explore.points import Points
from rag.interfaces import ChatModel
from rag.prompts import render
from rag.records import Message
from rag.text.words import content_words, stem

REPRESENTATIVES = 6
TEXT_CHARACTERS = 200
NAME_TOKENS = 20
MAX_WORDS = 7
MIN_SHARE = 0.5
"""Of the words of a name, at least so many have to be in the texts."""


def namer_of(model: ChatModel | None, prompts: Path) -> Namer | None:
    """Names clusters by this model; None where it is not there, or too weak to write."""
    if model is None or model.answer_mode != "phrasing":
        return None

    def named(points: Points, cluster: Cluster) -> str:
        texts = [
            f"{points.labels[place].title}: {points.labels[place].text[:TEXT_CHARACTERS]}"
            for place in cluster.members[:REPRESENTATIVES]
        ]
        asked = render(
            "cluster_name", folder=prompts, terms=", ".join(cluster.terms), texts="\n\n".join(texts)
        )
        pieces = model.stream([Message("user", asked)], max_tokens=NAME_TOKENS)
        written = "".join(piece for piece in pieces if isinstance(piece, str))
        return checked(written, "\n".join((*texts, *cluster.terms)))

    return named


def checked(written: str, texts: str) -> str:
    """The name on the first line, "" where it is no name, or not one of these texts."""
    name = written.strip().split("\n")[0].strip(" \"'“”„*#.:-")
    words = {stem(word) for word in content_words(name)}
    known = {stem(word) for word in content_words(texts)}
    if not words or len(name.split()) > MAX_WORDS or len(words & known) < MIN_SHARE * len(words):
        return ""
    return name
