"""The pictures of documents: which are kept, where they stand, what is said of them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pptx
import pytest
from PIL import Image
from pptx.util import Inches
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from rag.readers import read_document
from rag.readers.beside import reading_in
from rag.readers.messages import Outcome, receive, send
from rag.readers.pictures import THUMBNAIL_SIDE
from rag.records import Document
from rag.text.file_types import file_types
from tests.fakes.ocr import FakeProgram, install, lines
from tests.fakes.office_maker import paragraph
from tests.fakes.pictures import drawn, picture_file, word_file, word_picture


@pytest.fixture(autouse=True)
def without_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def captions(document: Document) -> list[tuple[int | None, str]]:
    return [(one.page, one.caption) for one in document.pictures]


def pdf_with_pictures() -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.drawString(72, 780, "The mole was built of granite.")
    canvas.drawImage(ImageReader(drawn("red")), 72, 560, 300, 200)
    canvas.drawString(72, 545, "Figure 1: The mole at high tide")
    canvas.drawString(72, 480, "Boats moor on its lee side, and they have done so for a century.")
    canvas.showPage()
    canvas.drawString(72, 780, "A second page.")
    canvas.drawImage(ImageReader(io.BytesIO(picture_file("green", "JPEG"))), 72, 560, 300, 200)
    canvas.drawImage(ImageReader(drawn("red")), 72, 300, 300, 200)
    canvas.drawImage(ImageReader(drawn("blue", size=(20, 20))), 500, 780, 20, 20)
    canvas.save()
    return stream.getvalue()


def test_pictures_of_a_pdf_have_their_page_and_caption_and_come_once() -> None:
    found = read_document(pdf_with_pictures(), "mole.pdf")
    assert captions(found) == [(1, "Figure 1: The mole at high tide"), (2, "")]
    first = found.pictures[0]
    assert found.text[first.start :].startswith("Figure 1")
    assert "built of granite" in first.around
    assert (first.width, first.height) == (300, 200)


def test_pictures_of_a_word_document_stand_where_they_are() -> None:
    body = paragraph("Two buoys.") + word_picture("a", "The red buoy") + paragraph("Figure 1: Off the mole")
    body += paragraph("Nothing else.") + word_picture("a")
    found = read_document(word_file(body, a=picture_file("red")), "buoys.docx")
    assert captions(found) == [(None, "The red buoy – Figure 1: Off the mole")]
    assert found.text[: found.pictures[0].start] == "Two buoys."
    assert found.warnings == ()


def test_a_picture_that_cannot_be_read_is_counted() -> None:
    body = paragraph("Deck") + word_picture("a") + word_picture("gone")
    found = read_document(word_file(body, a=b"\x89PNG\r\n\x1a\n and then nothing"), "deck.docx")
    assert found.pictures == ()
    assert found.warnings == ("Pictures in the file, not read: 2.",)


def test_pictures_of_slides_have_their_slide() -> None:
    deck = pptx.Presentation()
    for colour in ("red", "blue"):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"The {colour} disc"
        added = slide.shapes.add_picture(io.BytesIO(picture_file(colour)), Inches(1), Inches(2))
        added._element.nvPicPr.cNvPr.set("descr", "image7.png" if colour == "red" else "A disc at night")
    stream = io.BytesIO()
    deck.save(stream)
    found = read_document(stream.getvalue(), "discs.pptx")
    assert captions(found) == [(1, ""), (2, "A disc at night")]
    assert found.pictures[1].heading_path == ("The blue disc",)


def test_pictures_of_a_page_lie_in_it_or_beside_it_and_nowhere_else(tmp_path: Path) -> None:
    """A page that names files outside of its folder must not bring them into the library."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "plan b.png").write_bytes(picture_file("green"))
    (tmp_path / "secret.png").write_bytes(picture_file("red"))
    (site / "link.png").symlink_to(tmp_path / "secret.png")
    written = base64.b64encode(picture_file("blue")).decode()
    page = f"""<h1>House</h1><p>It has two doors.</p>
        <figure><img src="plan%20b.png" alt="Plan"><figcaption>Ground floor, 2019</figcaption></figure>
        <p>Our flag: <img alt="A blue disc" src="data:image/png;base64,{written}"> as it flies.</p>
        <img src="../secret.png"><img src="link.png"><img src="{tmp_path / "secret.png"}">
        <img src="file://{tmp_path / "secret.png"}"><img src="http://example.org/far.png">"""
    with reading_in(site):
        found = read_document(page.encode(), "page.html")
    assert captions(found) == [(None, "Plan – Ground floor, 2019"), (None, "A blue disc")]
    assert "Our flag: as it flies." in found.text
    assert len(read_document(page.encode(), "page.html").pictures) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_picture_files_are_documents(kind: str) -> None:
    found = read_document(picture_file("red", kind), f"boats/red-disc.{kind.lower()}")
    assert (found.title, found.media_type, found.text) == ("red-disc", f"image/{kind.lower()}", "")
    assert found.warnings == ()
    with Image.open(io.BytesIO(found.pictures[0].thumbnail)) as small:
        assert small.format == "JPEG"
        assert max(small.size) <= THUMBNAIL_SIDE


def test_a_photograph_has_its_description_and_date() -> None:
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x010E], exif[0x0132] = "The lighthouse in fog", "2024:03:05 10:00:00"
    drawn("green").save(stream, "JPEG", exif=exif)
    found = read_document(stream.getvalue(), "IMG_2041.jpg")
    assert (found.title, found.date) == ("The lighthouse in fog", "2024-03-05")
    assert found.pictures[0].caption == "The lighthouse in fog"


def test_each_page_of_a_fax_is_a_picture() -> None:
    stream = io.BytesIO()
    drawn("red").save(stream, "TIFF", save_all=True, append_images=[drawn("green"), drawn("blue")])
    found = read_document(stream.getvalue(), "fax.tif")
    assert [one.page for one in found.pictures] == [1, 2, 3]


def test_the_text_on_a_picture_file_is_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = lines("Harbour dues") + lines("Total 12.40", top=150)
    install(monkeypatch, FakeProgram(receipt, lines("~ |_ .,; '")))
    found = read_document(picture_file("red"), "receipt.png")
    assert found.text == "Harbour dues\n\nTotal 12.40"
    assert found.pictures[0].text == found.text
    assert found.warnings == ("Pages read from pictures with Spyglass: 1. Confidence 97%: expect slips.",)
    assert read_document(picture_file("red"), "sea.png").text == ""


def test_a_picture_in_a_document_is_looked_at_quickly_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = FakeProgram(lines("Spring tide", sure=0.6)), FakeProgram(lines("Neap tide"))
    install(monkeypatch, quick, slow)
    found = read_document(word_file(word_picture("r1"), r1=picture_file("red")), "tides.docx")
    assert [one.text for one in found.pictures] == ["Spring tide"]
    assert found.warnings == (
        "Pictures with text on them, read with Spyglass: 1. Confidence 60%: expect slips.",
    )
    assert slow.looks == 0


def test_a_picture_from_a_phone_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """HEIC was refused as a format that no reader knows."""
    pytest.importorskip("pi_heif")
    install(monkeypatch, FakeProgram(lines("Ferry at noon")))
    found = read_document((Path(__file__).parent / "files" / "phone.heic").read_bytes(), "phone.heic")
    assert (found.text, found.media_type) == ("Ferry at noon", "image/heif")


def test_a_picture_without_a_ground_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeProgram(lines("Leaves and grass")))
    stream = io.BytesIO()
    Image.linear_gradient("L").save(stream, "PNG")
    assert read_document(stream.getvalue(), "meadow.png").text == ""


@pytest.mark.parametrize("size", [(16, 16), (2000, 40), (60, 60)], ids=["icon", "rule", "bullet"])
def test_what_is_too_small_to_show_anything_is_left_out(size: tuple[int, int]) -> None:
    assert read_document(picture_file("red", size=size), "sign.png").pictures == ()


def test_a_picture_of_one_colour_is_left_out() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (400, 300), (0, 0, 0, 0)).save(stream, "PNG")
    assert read_document(stream.getvalue(), "spacer.png").pictures == ()


def test_pictures_come_through_the_pipe_of_a_reading_process() -> None:
    document = read_document(word_file(word_picture("a", "A disc"), a=picture_file("red")), "a.docx")
    stream = io.BytesIO()
    send(stream, Outcome(document, None))
    stream.seek(0)
    received = receive(stream)
    assert isinstance(received, Outcome)
    assert received.document == document


def test_pictures_are_a_type_of_file() -> None:
    assert {"png", "webp", "tiff"} <= file_types("picture")
