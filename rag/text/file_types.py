"""What people call a type of file, as endings and media types."""

from __future__ import annotations

_OFFICE = "vnd.openxmlformats-officedocument"
_SLIDES = f"ppt vnd.ms-powerpoint pptx pptm ppsx ppsm potx {_OFFICE}.presentationml.presentation"
# Each member is the ending of a name, or a media type without what is before its slash.
_TYPES = {
    name: frozenset(members.split())
    for names, members in {
        "pdf": "pdf",
        "word doc": f"doc docx docm dotx msword {_OFFICE}.wordprocessingml.document",
        "excel xls": f"xls xlsx xlsm xlsb xltx ods {_OFFICE}.spreadsheetml.sheet",
        "spreadsheet": f"xls xlsx xlsm xlsb xltx ods csv tsv tab {_OFFICE}.spreadsheetml.sheet",
        "powerpoint ppt": _SLIDES,
        "presentation slides": f"{_SLIDES} odp",
        "opendocument odf": "odt ott odp ods",
        "email e-mail mail": "eml mbox mbx mht mhtml rfc822 msg oft vnd.ms-outlook",
        "markdown md": "md markdown mdown mkd qmd rmd",
        "html htm": "html htm xhtml",
        "text": "txt text log",
        "restructuredtext": "rst rest x-rst",
        "richtext": "rtf",
        "ebook": "epub epub+zip",
        "notebook jupyter": "ipynb x-ipynb+json",
        "json": "json ndjson jsonl geojson",
        "subtitles": "srt vtt ass ssa x-subrip",
        "archive": "zip",
        "picture image photo": "png jpg jpeg webp gif tif tiff bmp heic heif",
        "jpeg jpg": "jpg jpeg",
        "tiff tif": "tif tiff",
        "calendar": "ics ical ifb",
        "contact contacts": "vcf vcard",
        "latex": "tex latex x-tex",
        "feed": "rss atom",
        "code": "x-source",
        "python": "py pyi",
        "javascript": "js jsx mjs",
        "typescript": "ts tsx",
        "c++": "cpp cc hpp",
        "c#": "cs",
        "golang": "go",
        "rust": "rs",
        "ruby": "rb",
        "shell": "sh bash",
        "yaml": "yaml yml",
    }.items()
    for name in names.split()
}
_KNOWN = frozenset(_TYPES).union(
    *_TYPES.values(),
    "csv org xml fb2 nxml dbk docbook tei java c h php sql r lua swift kt scala pl css scss toml".split(),  # noqa: SIM905
)


def file_types(name: str) -> frozenset[str]:
    """The endings and media types of what has this name; of an unknown one, the name itself.

    "PDF", ".pdf" and "*.pdf" are one name.
    """
    plain = _plain(name)
    return _TYPES.get(plain, frozenset({plain}))


def is_file_type(name: str) -> bool:
    """Whether a type has this name, or could have: media types are many."""
    return "/" in name or _plain(name) in _KNOWN


def _plain(name: str) -> str:
    return name.casefold().lstrip("*.")
