"""A paper as a Word document (Office Open XML, ECMA-376) with real footnotes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rag.history.blocks import Block, Run, blocks

if TYPE_CHECKING:
    from rag.history.paper import Paper

_OFFICE = "http://schemas.openxmlformats.org"
_MAIN = f'xmlns:w="{_OFFICE}/wordprocessingml/2006/main"'
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_INDENT = 360  # twentieths of a point for each level of a list
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_DATE = (1980, 1, 1, 0, 0, 0)  # the same paper gives the same bytes

_STYLES = f"""<w:styles {_MAIN}><w:docDefaults><w:rPrDefault><w:rPr>
<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:eastAsia="Microsoft YaHei" w:cs="Calibri"/><w:sz w:val="22"/>
</w:rPr></w:rPrDefault><w:pPrDefault><w:pPr><w:spacing w:after="120" w:line="276" w:lineRule="auto"/></w:pPr>
</w:pPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
{{headings}}
<w:style w:type="paragraph" w:styleId="Quote"><w:name w:val="Quote"/><w:basedOn w:val="Normal"/><w:pPr>
<w:pBdr><w:left w:val="single" w:sz="12" w:space="8" w:color="999999"/></w:pBdr><w:ind w:left="360"/></w:pPr>
</w:style>
<w:style w:type="paragraph" w:styleId="Code"><w:name w:val="Code"/><w:basedOn w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="FootnoteText"><w:name w:val="footnote text"/>
<w:basedOn w:val="Normal"/><w:rPr><w:sz w:val="18"/></w:rPr></w:style>
<w:style w:type="character" w:styleId="FootnoteReference"><w:name w:val="footnote reference"/>
<w:rPr><w:vertAlign w:val="superscript"/></w:rPr></w:style></w:styles>"""
_HEADING = (
    '<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/>'
    '<w:basedOn w:val="Normal"/><w:pPr><w:keepNext/><w:spacing w:before="240"/>'
    '<w:outlineLvl w:val="{outline}"/></w:pPr><w:rPr><w:b/><w:sz w:val="{size}"/></w:rPr></w:style>'
)
_SEPARATORS = "".join(
    f'<w:footnote w:type="{name}" w:id="{number}"><w:p><w:r><w:{name}/></w:r></w:p></w:footnote>'
    for number, name in ((-1, "separator"), (0, "continuationSeparator"))
)
_REFERENCE = re.compile(r'<w:footnoteReference w:id="(\d+)"/>')
_MARK = '<w:r><w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr>{}</w:r>'


def docx(paper: Paper) -> bytes:
    """The paper as the bytes of a .docx file."""
    body = "".join(_table(block) if block.kind == "table" else _paragraph(block) for block in blocks(paper))
    # A footnote of Word has one reference: where it is cited again, it stands again.
    cited = [int(number) for number in _REFERENCE.findall(body)]
    own = count(1)
    body = _REFERENCE.sub(lambda _: f'<w:footnoteReference w:id="{next(own)}"/>', body)
    headings = "".join(
        _HEADING.format(level=level, outline=level - 1, size=40 - 4 * level) for level in range(1, 7)
    )
    notes = "".join(_footnote(number, paper.footnotes[one]) for number, one in enumerate(cited, start=1))
    parts = {
        "[Content_Types].xml": _types(),
        "_rels/.rels": _relations({"officeDocument": "word/document.xml"}),
        "word/_rels/document.xml.rels": _relations({"styles": "styles.xml", "footnotes": "footnotes.xml"}),
        "word/document.xml": f"<w:document {_MAIN}><w:body>{body}<w:sectPr/></w:body></w:document>",
        "word/styles.xml": _STYLES.format(headings=headings),
        "word/footnotes.xml": f"<w:footnotes {_MAIN}>{_SEPARATORS}{notes}</w:footnotes>",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, xml in parts.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            package.writestr(entry, (head + xml).encode("utf-8", "replace"))
    return file.getvalue()


def _types() -> str:
    overrides = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
        for name, kind in (("document", "document.main"), ("styles", "styles"), ("footnotes", "footnotes"))
    )
    return (
        f'<Types xmlns="{_OFFICE}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{overrides}</Types>"
    )


def _relations(targets: dict[str, str]) -> str:
    kind = f"{_OFFICE}/officeDocument/2006/relationships"
    entries = "".join(
        f'<Relationship Id="r{number}" Type="{kind}/{name}" Target="{target}"/>'
        for number, (name, target) in enumerate(targets.items(), start=1)
    )
    return f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">{entries}</Relationships>'


def _paragraph(block: Block) -> str:
    if block.kind == "heading":
        form = f'<w:pStyle w:val="Heading{block.level}"/>'
    elif block.kind == "code":
        form = '<w:pStyle w:val="Code"/>'
    else:
        form = '<w:pStyle w:val="Quote"/>' if block.quoted else ""
        if block.level:
            hanging = f' w:hanging="{_INDENT}"' if block.bullet else ""
            form += f'<w:ind w:left="{_INDENT * block.level}"{hanging}/>'
    bullet = (Run(f"{block.bullet} "),) if block.bullet else ()
    return f"<w:p><w:pPr>{form}</w:pPr>{_runs((*bullet, *block.runs))}</w:p>"


def _table(block: Block) -> str:
    sides = ("top", "left", "bottom", "right", "insideH", "insideV")
    borders = "".join(f'<w:{side} w:val="single" w:sz="4" w:color="999999"/>' for side in sides)
    columns = "<w:gridCol/>" * max(map(len, block.rows), default=0)
    rows = "".join(
        "<w:tr>" + "".join(f"<w:tc><w:p>{_runs(cell)}</w:p></w:tc>" for cell in row) + "</w:tr>"
        for row in block.rows
    )
    return (
        f"<w:tbl><w:tblPr><w:tblBorders>{borders}</w:tblBorders></w:tblPr>"
        f"<w:tblGrid>{columns}</w:tblGrid>{rows}</w:tbl><w:p/>"
    )


def _runs(runs: Iterable[Run]) -> str:
    return "".join(map(_run, runs))


def _run(run: Run) -> str:
    if run.footnote is not None:
        comma = _MARK.format(f"<w:t>{run.text}</w:t>") if run.text else ""
        return comma + _MARK.format(f'<w:footnoteReference w:id="{run.footnote}"/>')
    form = "<w:rFonts w:ascii='Consolas' w:hAnsi='Consolas'/>" if run.code else ""
    form += "<w:b/>" if run.bold else ""
    form += "<w:i/>" if run.italic else ""
    lines = (f'<w:t xml:space="preserve">{_text(line)}</w:t>' for line in run.text.split("\n"))
    return f"<w:r><w:rPr>{form}</w:rPr>{'<w:br/>'.join(lines)}</w:r>"


def _footnote(number: int, text: str) -> str:
    return (
        f'<w:footnote w:id="{number}"><w:p><w:pPr><w:pStyle w:val="FootnoteText"/></w:pPr>'
        f"{_MARK.format('<w:footnoteRef/>')}{_run(Run(f' {text}'))}</w:p></w:footnote>"
    )


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
