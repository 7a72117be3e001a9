"""Office files with exactly the parts a test wants, as short as programs still accept them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_SPACES = (
    " ".join(
        f'xmlns:{prefix}="http://schemas.openxmlformats.org/{path}"'
        for prefix, path in {
            "w": "wordprocessingml/2006/main",
            "m": "officeDocument/2006/math",
            "a": "drawingml/2006/main",
            "c": "drawingml/2006/chart",
            "r": "officeDocument/2006/relationships",
            "wps": "microsoft/wps",
        }.items()
    )
    + ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def part(tag: str, inside: str) -> str:
    """A part's XML: its outermost element with every name space that is used."""
    return f"<{tag} {_SPACES}>{inside}</{tag}>"


def make_docx(body: str, **parts: str) -> bytes:
    """A Word document of this body; parts by kind: `styles`, `numbering`, `header`, `comments`, `chart`."""
    links = "".join(
        f'<Relationship Id="{kind}" Type="{_TYPE}/{kind}" Target="{kind}.xml"/>' for kind in parts
    )
    return zipped(
        {
            "word/document.xml": part("w:document", f"<w:body>{body}</w:body>"),
            "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
            **{f"word/{kind}.xml": part(_ROOTS[kind], inside) for kind, inside in parts.items()},
        }
    )


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of one run."""
    return f'<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


_ROOTS = {
    "styles": "w:styles",
    "numbering": "w:numbering",
    "header": "w:hdr",
    "footer": "w:ftr",
    "comments": "w:comments",
    "footnotes": "w:footnotes",
    "chart": "c:chartSpace",
}
