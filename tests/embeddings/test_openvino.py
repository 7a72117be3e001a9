"""A compiled model has run once, in one thread, before several use it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag.embeddings import openvino as converting
from rag.embeddings.openvino import compiled_model, run_once


class FakeModel:
    """A compiled model of two inputs that counts how many threads infer at once."""

    inputs = ("ids", "mask")

    def __init__(self) -> None:
        self.running = self.most_at_once = self.inferences = 0
        self.data_read = 0

    def create_infer_request(self) -> FakeModel:
        return self

    def infer(self, arrays: list[Any]) -> None:
        assert [array.shape for array in arrays] == [(1, 16)] * 2
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        time.sleep(0.02)
        self.running -= 1
        self.inferences += 1

    def get_output_tensor(self, number: int) -> FakeModel:
        return self

    @property
    def data(self) -> None:
        self.data_read += 1


def test_a_model_has_run_and_given_its_output_when_it_is_handed_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two threads in OpenVINO's first inference waited for each other for ever."""
    model = FakeModel()
    core = SimpleNamespace(compile_model=lambda file, device, options: model)
    monkeypatch.setattr(converting, "import_openvino", lambda: SimpleNamespace(Core=lambda: core))
    assert compiled_model(tmp_path, load="THROUGHPUT", threads=None, precision="f32") is model
    assert (model.inferences, model.data_read) == (1, 1)


def test_first_inferences_of_several_threads_follow_one_another() -> None:
    model = FakeModel()
    threads = [threading.Thread(target=run_once, args=(model,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (model.inferences, model.most_at_once) == (4, 1)
