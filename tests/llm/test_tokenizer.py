"""Counts are the generator's own: tiktoken built from a GGUF file agrees with llama.cpp, token by token."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rag.errors import ModelDamaged, ModelNotFound
from rag.llm.tokenizer import (
    PRE_TOKENIZERS,
    BpeTokenizer,
    LlamaTokenizer,
    read_metadata,
    tokenizer_of,
)
from tests.fakes.gguf_files import (
    CONTROL,
    USER_DEFINED,
    byte_alphabet,
    byte_level_vocabulary,
    starter_gguf,
    write_gguf,
)

SPINNING = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
MERGES = [
    "h e",
    "l l",
    "he ll",
    "hell o",
    "Ġ hello",
    "1 2",
    "12 3",
    "' s",
    "Ġ Ġ",
    "ĠĠ ĠĠ",
    "Ċ Ċ",
    "Ġ '",
    "! !",
]
# Characters that this Python knows (Unicode 14): the two libraries' tables differ in newer ones only.
ASSIGNED = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cs", "Cn")]
SCRIPTS = [
    "The quick brown fox can't jump over 1,234.56 dogs; they'Re late.",
    "Größe und Straße",
    "Ελληνικά κείμενα",
    "русский текст, 2023 год",
    "עברית עם ניקוד: שָׁלוֹם",
    "العربية ١٢٣",
    "हिन्दी में वाक्य।",
    "ภาษาไทยไม่มีช่องว่าง",
    "中文没有空格,数字123。",
    "日本語とカタカナ、ひらがな",
    "한국어 문장",
    "👩\u200d👩\u200d👧 🇩🇪 👍🏽",
    "e\u0301 \u200d\ufeff",
    "def f(x):\n\treturn x ** 2  # two\n\n\n",
    '{"a": [1, 2]}\r\n\r\n',
    "   leading",
    "trailing   ",
    "a  b   c    d",
    "\u00a0\u3000\u2028",
    "\x00\x04\x1d",
    "x" * 300,
    "0123456789" * 9,
]
LOOK_ALIKES = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_", "end|>", "<repo_name>", "<mark>"]

texts = st.lists(
    st.one_of(
        st.sampled_from(SCRIPTS + LOOK_ALIKES),
        st.text(st.sampled_from(ASSIGNED), max_size=12),
        st.text(st.sampled_from(" \t\n\r\u00a0'"), max_size=8),
        st.text(st.sampled_from("0123456789٣५,. '"), max_size=8),
        st.text(st.sampled_from("helo123'S!  \n"), max_size=12),
    ),
    max_size=8,
).map("".join)


@pytest.fixture(scope="module")
def starter() -> tuple[BpeTokenizer, LlamaTokenizer]:
    tokenizer = tokenizer_of(starter_gguf())
    assert isinstance(tokenizer, BpeTokenizer)
    return tokenizer, LlamaTokenizer(starter_gguf())


@settings(deadline=None, max_examples=400)
@example("\x04")  # SmolLM2 has no token for this byte
@given(text=texts)
def test_tokens_of_the_starter_model_are_llama_cpps(
    starter: tuple[BpeTokenizer, LlamaTokenizer], text: str
) -> None:
    ours, theirs = starter
    assert ours.encode(text) == theirs.encode(text)
    assert ours.encode_markup(text) == theirs.encode_markup(text)


@pytest.fixture(scope="module", params=sorted(PRE_TOKENIZERS))
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BpeTokenizer, LlamaTokenizer]:
    path = byte_level_vocabulary(
        tmp_path_factory.mktemp("vocabulary") / f"{request.param}.gguf",
        pre=request.param,
        merges=MERGES,
        special={"<|im_end|>": CONTROL, "<mark>": USER_DEFINED},
    )
    tokenizer = tokenizer_of(path)
    assert isinstance(tokenizer, BpeTokenizer)
    return tokenizer, LlamaTokenizer(path)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=texts)
def test_every_pre_tokenizer_splits_as_llama_cpp_does(
    pair: tuple[BpeTokenizer, LlamaTokenizer], text: str
) -> None:
    ours, theirs = pair
    assert ours.encode(text) == theirs.encode(text)
    assert ours.encode_markup(text) == theirs.encode_markup(text)


def test_control_tokens_are_found_in_markup_only(starter: tuple[BpeTokenizer, LlamaTokenizer]) -> None:
    assert starter[0].encode_markup("<|im_end|>") == [2]
    assert 2 not in starter[0].encode("<|im_end|>")


def test_the_encoding_has_the_files_ids(starter: tuple[BpeTokenizer, LlamaTokenizer]) -> None:
    encoding = starter[0].encoding
    tokens = read_metadata(starter_gguf())["tokenizer.ggml.tokens"]
    assert [tokens[number] for number in encoding.encode("Rivers flow")] == ["R", "ivers", "Ġflow"]
    assert encoding.decode(encoding.encode("日本語 👍")) == "日本語 👍"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"tokenizer.ggml.model": "llama"}, id="not-bpe"),
        pytest.param({"tokenizer.ggml.pre": "tekken"}, id="unknown-pieces"),
        pytest.param({"tokenizer.ggml.merges": ["l l", "h e"]}, id="merges-out-of-order"),
        pytest.param({"tokenizer.ggml.merges": ["q q"]}, id="merge-without-token"),
    ],
)
def test_llama_cpp_counts_where_an_encoding_could_differ(tmp_path: Path, changes: dict[str, object]) -> None:
    made = byte_level_vocabulary(tmp_path / "v.gguf", pre="gpt-2", merges=["h e", "l l"])
    path = write_gguf(tmp_path / "w.gguf", read_metadata(made) | changes)
    assert isinstance(tokenizer_of(path), LlamaTokenizer)


def test_an_unknown_pre_tokenizer_falls_back_to_llama_cpp(tmp_path: Path) -> None:
    path = byte_level_vocabulary(tmp_path / "v.gguf", pre="tekken", merges=MERGES)
    tokenizer = tokenizer_of(path)
    assert isinstance(tokenizer, LlamaTokenizer)
    assert len(tokenizer.encode("hello")) == 1


def test_a_byte_without_a_token_is_dropped_as_llama_cpp_drops_it(tmp_path: Path) -> None:
    letters = [letter for letter in byte_alphabet() if letter != "z"]
    path = byte_level_vocabulary(tmp_path / "v.gguf", pre="gpt-2", merges=MERGES, byte_letters=letters)
    assert len(tokenizer_of(path).encode("zhelloz")) == 1
    assert tokenizer_of(path).encode("zhelloz") == LlamaTokenizer(path).encode("zhelloz")


def test_metadata_reads_every_kind_of_value(tmp_path: Path) -> None:
    values = {"s": "Größe", "n": 7, "f": 0.5, "b": True, "list": ["a", ""], "numbers": (1, -2)}
    assert read_metadata(write_gguf(tmp_path / "m.gguf", values)) == values


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (read_metadata, tokenizer_of):
        with pytest.raises(ModelNotFound, match=r"none\.gguf"):
            read(tmp_path / "none.gguf")


@pytest.mark.parametrize("length", [0, 3, 30, 3000])
def test_a_damaged_file_is_named(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(starter_gguf().read_bytes()[:length])
    with pytest.raises(ModelDamaged, match=r"cut\.gguf"):
        read_metadata(path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.gguf"
    path.write_bytes(b"# Notes\n" * 10)
    with pytest.raises(ModelDamaged, match="does not begin with GGUF"):
        tokenizer_of(path)


@pytest.mark.parametrize("policy", [None, "passive"], ids=["nothing-asked", "asked"])
def test_the_native_threads_do_not_wait_by_spinning(policy: str | None) -> None:
    """Beside other work on the machine, answers took ten times as long: the threads spun for each other."""
    code = (
        "import os; from rag.llm.tokenizer import native_library; native_library(); "
        "print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    environment = {name: value for name, value in os.environ.items() if name not in SPINNING}
    environment |= {"OMP_WAIT_POLICY": policy} if policy else {}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ("None" if policy else "1000")
