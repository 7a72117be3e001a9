"""Scans and pictures of text: who reads them, how they are laid out, and what the report says."""

from __future__ import annotations

import io
import math
import shutil
from difflib import SequenceMatcher
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont

from rag.readers import ocr, read_document
from rag.readers.ocr import tesseract
from rag.readers.ocr.layout import text_of
from rag.readers.ocr.report import of_pages, of_pictures
from rag.readers.ocr.seen import Line, Seen, straightened
from rag.readers.pool import ReaderPool
from rag.records import Document
from rag.web.i18n import translated
from tests.fakes.ocr import FakeProgram, install, lines
from tests.fakes.pdf_maker import Line as Typed
from tests.fakes.pdf_maker import make_pdf

PROSE = "This page was typed, and the next one went through a scanner."
BLANK = Image.new("L", (800, 600), 255)


def read(data: bytes) -> Document:
    return read_document(data, "page.pdf")


def blocks(document: Document) -> list[tuple[str, int | None, str]]:
    return [(block.kind, block.page, document.text[block.start : block.end]) for block in document.blocks]


def scanned(text: str, *, stamp: str = "") -> bytes:
    """A PDF of a page of prose and one that is a picture of text, perhaps with a line of real text on it."""

    from pypdf import PdfReader, PdfWriter

    page = pypdfium2.PdfDocument(make_pdf([[Typed(50, 700, text, 16)]]))[0]
    picture = page.render(scale=200 / 72).to_pil()
    assert isinstance(picture, Image.Image)
    stream = io.BytesIO()
    picture.save(stream, "PDF", resolution=200)
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(make_pdf([[Typed(50, 700, PROSE)]]))))
    writer.append(PdfReader(stream))
    if stamp:
        writer.pages[1].merge_page(PdfReader(io.BytesIO(make_pdf([[Typed(50, 30, stamp)]]))).pages[0])
    mixed = io.BytesIO()
    writer.write(mixed)
    return mixed.getvalue()


def test_pages_without_text_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    document = read(scanned("Harvest in October"))
    assert document.pages_without_text == (2,)
    assert document.warnings == (f"Pages that are pictures without text: 2. {ocr.REMEDY}",)


def test_a_page_on_which_a_program_breaks_down_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeProgram(None))
    document = read(scanned("Harvest in October"))
    assert document.pages_without_text == (2,)
    assert document.warnings == ("Pages that are pictures without text: 2.",)
    assert [page for _, page, _ in blocks(document)] == [1]


def test_a_scanned_page_is_laid_out_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines read on a scan came as they stood; tables and headings were lost."""
    title = Line("Berths and fees", (100, 90), (420, 90), 60, 0.99)
    prose = ["Berths are let in March, by the har-", "bour office, to all who ask in time."]
    cells = [("Length", "Fee"), ("to 8 m", "12.40"), ("to 12 m", "18.90")]
    table = [line for n, row in enumerate(cells) for x, cell in zip((100, 600), row, strict=True)
             for line in lines(cell, left=x, top=400 + 30 * n)]  # fmt: skip
    install(monkeypatch, FakeProgram([title, *lines(*prose, left=100, top=200), *table]))
    assert [(kind, text) for kind, page, text in blocks(read(scanned("Berths"))) if page == 2] == [
        ("heading", "Berths and fees"),
        ("paragraph", "Berths are let in March, by the harbour office, to all who ask in time."),
        ("table", "| Length | Fee |\n|---|---|\n| to 8 m | 12.40 |\n| to 12 m | 18.90 |"),
    ]


def test_the_report_tells_how_sure_the_reading_is(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeProgram(lines("A faded note", sure=0.61)))
    assert read(scanned("A faded note")).warnings == (
        "Pages read from pictures with Spyglass: 2. Confidence 61%: expect slips.",
        "Pages that were hard to read: 2 (61%). Compare them with the original.",
    )


def test_a_scan_with_a_stamp_is_no_page_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of fax of 16 characters passed for the page's text, and nobody was told of the rest."""
    fax = lines("Harvest in October") + lines("Sent by fax from the harbour office", top=1900)
    install(monkeypatch, FakeProgram(fax))
    document = read(scanned("Harvest in October", stamp="Sent by fax from the harbour office"))
    assert [text for _, page, text in blocks(document) if page == 2] == [
        "Harvest in October",
        "Sent by fax from the harbour office",
    ]


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_a_scanned_page_in_a_mixed_file_is_read_with_tesseract() -> None:
    document = read(scanned("Harvest in October"))
    assert blocks(document)[-1] == ("paragraph", 2, "Harvest in October")
    assert document.pages_without_text == ()
    assert any("with Tesseract" in warning for warning in document.warnings)


def test_the_first_program_that_is_sure_is_the_last_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = FakeProgram(lines("Low water")), FakeProgram(lines("High water"))
    install(monkeypatch, quick, slow)
    seen = ocr.read_image(BLANK)
    assert seen and (seen.lines[0].text, quick.looks, slow.looks) == ("Low water", 1, 0)


def test_what_no_program_is_sure_of_is_read_by_the_surest(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeProgram(lines("Ebb", sure=0.4)), FakeProgram(lines("Flood", sure=0.8)))
    seen = ocr.read_image(BLANK)
    assert seen and seen.lines[0].text == "Flood"


def test_a_page_on_its_side_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    lying = [Line("Low water at six", (100, 400), (100, 100), 20, 0.99)]
    program = FakeProgram(lying, lines("9 1e", sure=0.3), lines("Low water at six"))
    install(monkeypatch, program)
    seen = ocr.read_image(BLANK)
    assert seen and (seen.lines[0].text, seen.width, program.looks) == ("Low water at six", 600, 3)


def test_a_page_on_its_head_is_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    program = FakeProgram(lines("xIs 1e", sure=0.3), lines("Low water at six"), turns=(180,))
    install(monkeypatch, program)
    seen = ocr.read_image(BLANK)
    assert seen and seen.lines[0].text == "Low water at six"


def test_where_there_is_no_text_the_picture_is_not_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    program = FakeProgram([], turns=(90, 180, 270))
    install(monkeypatch, program)
    assert ocr.read_image(BLANK) is None
    assert program.looks == 1


def test_a_slanted_page_is_straightened() -> None:
    """Lines of two columns that share a height were out of step by a line at the far side."""
    slope = math.radians(2)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * math.cos(slope) - y * math.sin(slope), x * math.sin(slope) + y * math.cos(slope)

    row = [
        Line("Length of the berth", at(100, 300), at(400, 300), 20, 1),
        Line("Fee", at(900, 300), at(940, 300), 20, 1),
    ]
    assert [round(end) for line in straightened(row) for end in (line.start[1], line.end[1])] == [300] * 4


def test_lines_of_chinese_are_joined_without_spaces() -> None:
    """A space at the end of each line broke the words that ran over it."""
    seen = Seen("Spyglass", tuple(lines("潮水每天来两次，港口在低", "潮时关闭。")), 800, 600)
    assert text_of(seen) == "潮水每天来两次，港口在低潮时关闭。"


def test_tesseract_is_not_trusted_in_a_language_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With English data it reads German without umlauts, and is fairly sure of it."""
    monkeypatch.setattr(tesseract, "_languages", lambda: {"eng": "en"})
    german = lines("Die Anleger werden im Winter nicht geheizt und nicht beleuchtet.")
    english = lines("The landing stages are neither heated nor lit in the winter months.")
    for page, trusted in ((german, False), (english, True)):
        assert tesseract.PROGRAM.trusts(Seen("Tesseract", tuple(page), 800, 600)) is trusted


def test_tesseract_s_words_are_cut_at_wide_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    words = "".join(
        f"5\t1\t1\t1\t1\t{n}\t{left}\t100\t{width}\t20\t{sure}\t{text}\n"
        for n, (left, width, sure, text) in enumerate(
            [(10, 40, 90, "to"), (60, 50, 96, '8"'), (300, 60, 80, "12.40")]
        )
    )
    monkeypatch.setattr(tesseract, "_run", lambda image: head + words)
    found = tesseract.PROGRAM.lines(BLANK)
    assert [(line.text, line.start, line.end, line.confidence) for line in found] == [
        ('to 8"', (10, 110), (110, 110), pytest.approx(0.93)),
        ("12.40", (300, 110), (360, 110), 0.8),
    ]


def test_the_report_has_its_translations() -> None:
    faint = {3: Seen("Spyglass", tuple(lines("A faded note", sure=0.6)), 800, 600)}
    told = [*of_pages(faint), *of_pictures([*faint.values()])]
    told.append(f"Pages that are pictures without text: 3. {ocr.REMEDY}")
    assert len(told) == 4
    for language in ("de", "zh"):
        assert [line for line in told if translated(line, language) == line] == []


@pytest.mark.slow
def test_rapidocr_reads_german_in_a_worker_without_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("rapidocr")
    page = Image.new("L", (900, 160), 255)
    font = ImageFont.load_default(36)
    ImageDraw.Draw(page).text((40, 50), "Fährverkehr nach Süden: 14 Größen", font=font, fill=0)
    path = tmp_path / "sign.png"
    page.rotate(1.5, fillcolor=255).save(path)
    monkeypatch.setenv("PATH", "")  # so that Tesseract is not there
    with ReaderPool(workers=1) as pool:
        (result,) = pool.read([path])
    assert result.document
    alike = SequenceMatcher(None, result.document.text, "Fährverkehr nach Süden: 14 Größen").ratio()
    assert alike > 0.85, result.document.text  # of this font's umlauts it is not sure
    assert "RapidOCR" in result.document.warnings[0]
