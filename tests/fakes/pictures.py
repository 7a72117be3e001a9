"""Pictures drawn for the tests, documents that hold them, and a model that sees nothing but colours."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from rag.embeddings.encoders import unit
from rag.interfaces import Vectors
from tests.fakes.office_maker import paragraph, part, zipped

COLOURS = {"red": (200, 30, 30), "green": (20, 160, 60), "blue": (30, 60, 200)}
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def drawn(colour: str, *, size: tuple[int, int] = (300, 200)) -> Image.Image:
    """A disc of a colour on white."""
    image = Image.new("RGB", size, "white")
    width, height = size
    box = (width // 10, height // 10, width * 9 // 10, height * 9 // 10)
    ImageDraw.Draw(image).ellipse(box, fill=COLOURS[colour])
    return image


def picture_file(colour: str, kind: str = "PNG", *, size: tuple[int, int] = (300, 200)) -> bytes:
    """The disc as a file of some format."""
    stream = io.BytesIO()
    drawn(colour, size=size).save(stream, kind)
    return stream.getvalue()


def word_picture(reference: str, told: str = "") -> str:
    """A paragraph with a picture in it, for `word_file`."""
    return (
        f'<w:p><w:r><w:drawing><wp:inline xmlns:wp="{_DRAWING}"><wp:docPr id="1" descr="{told}"/>'
        f'<a:blip r:embed="{reference}"/></wp:inline></w:drawing></w:r></w:p>'
    )


def word_file(body: str, **pictures: bytes) -> bytes:
    """A Word document whose pictures have these relationship ids."""
    links = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/image" Target="media/{name}.png"/>'
        for name in pictures
    )
    return zipped(
        {
            "word/document.xml": part("w:document", f"<w:body>{body}</w:body>"),
            "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
            **{f"word/media/{name}.png": data for name, data in pictures.items()},
        }
    )


def album(folder: Path) -> None:
    """A folder with a report that shows two discs, and the files of two more pictures."""
    body = paragraph("The harbour has two buoys.") + word_picture("one", "Buoy off the northern mole")
    body += (
        paragraph("Ships pass it on the left.") + word_picture("two") + paragraph("Figure 2: The inner buoy")
    )
    data = word_file(body, one=picture_file("red"), two=picture_file("green"))
    (folder / "harbour.docx").write_bytes(data)
    (folder / "night.png").write_bytes(picture_file("blue"))
    (folder / "copy.png").write_bytes(picture_file("red"))


class ColourModel:
    """Pictures and words by their colours alone; `seen` counts the pictures."""

    identity = "colours"

    def __init__(self) -> None:
        self.seen = 0

    def embed_pictures(self, pictures: Sequence[bytes]) -> Vectors:
        self.seen += len(pictures)
        means = [
            np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).mean(axis=(0, 1)) for data in pictures
        ]
        return unit(255 - np.array(means, dtype=np.float32))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        named = [sum((np.array(COLOURS[c]) for c in COLOURS if c in text), np.zeros(3)) for text in texts]
        return unit(255 - np.array(named, dtype=np.float32))


def tiny_clip(folder: Path) -> Path:
    """A CLIP of two small layers in Sentence Transformers' form, with random weights."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(0)
    inner = folder / "0_CLIPModel"
    signs = ("<|startoftext|>", "<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz")
    vocabulary = {sign: i for i, sign in enumerate((*signs, *(f"{letter}</w>" for letter in signs[2:])))}
    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"vocab_size": len(vocabulary), "bos_token_id": 0, "eos_token_id": 1, "projection_dim": 16}
    vision = {"image_size": 32, "patch_size": 8, "projection_dim": 16}
    CLIPModel(
        CLIPConfig(text_config=layers | text, vision_config=layers | vision, projection_dim=16)
    ).save_pretrained(inner)
    ends = {"bos_token": signs[0], "eos_token": signs[1], "unk_token": signs[1], "pad_token": signs[1]}
    processor = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": 32},
        "crop_size": {"height": 32, "width": 32},
    }
    files = {
        inner / "vocab.json": vocabulary,
        inner / "tokenizer_config.json": {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **ends},
        inner / "special_tokens_map.json": ends,
        inner / "preprocessor_config.json": processor,
        folder / "modules.json": [
            {"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}
        ],
        folder / "config_sentence_transformers.json": {},
    }
    for path, content in files.items():
        path.write_text(json.dumps(content), encoding="utf-8")
    (inner / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return folder
