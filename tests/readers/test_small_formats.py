"""Small formats: calendars, cards, chats, XML, LaTeX, mail's odd forms, Sphinx, encodings, what is refused."""

# ruff: noqa: E501  (documents are easier to read in one line)
from __future__ import annotations

import base64
import json
import re
import time
import zipfile
from email.message import EmailMessage

import pytest

from rag.errors import UnreadableDocument, UnsupportedFormat
from rag.readers import read_document
from rag.records import HIDDEN_TEXT, Document
from tests.fakes.office_maker import zipped


def read(text: str | bytes, name: str) -> Document:
    return read_document(text if isinstance(text, bytes) else text.encode(), name)


def blocks(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


# --- Encodings

WORDS = {
    "cp1252": (
        "Mañana llega el señor Núñez a España.",
        "Året är långt, säger man på ön.",
        "La société a payé l’été dernier.",
        "Não há razão para a reunião de amanhã.",
        "Perché la città è così bella?",
        "Die Gebühr für Größeres beträgt 5 €.",
        "Vähän äiti söi hyvää ruokaa.",
    ),
    "cp1250": (
        "Proszę zapłacić w ciągu siedmiu dni, również później.",
        "Příliš žluťoučký kůň úpěl.",
        "A szerződés később hűvös időben szűnik meg.",
    ),
    "cp1254": ("Sözleşme yarın imzalanacak, değişiklik şartları aşağıda.",),
}


@pytest.mark.parametrize(("page", "text"), [(page, text) for page, texts in WORDS.items() for text in texts])
def test_a_line_in_an_old_code_page_keeps_its_letters(page: str, text: str) -> None:
    """ "España" was read as "Espańa", and "år" as "ĺr"."""
    assert read(text.encode(page), "note.txt").text == text


def test_a_wrong_label_does_not_spoil_utf_8() -> None:
    page = '<html><head><meta charset="iso-8859-1"></head><body><p>Größe</p></body></html>'
    assert read(page, "a.html").text == "Größe"
    head = "From: a@b.c\nTo: d@e.f\nSubject: x\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n"
    assert read(f"{head}Content-Type: text/plain; charset=latin-1\n\nGröße\n", "a.eml").text.endswith("Größe")


# --- Mail


def mail(plain: str, html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@b.c", "bo@d.e", "Berths"
    message.set_content(plain)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def test_the_html_of_a_mail_is_read_where_its_plain_part_says_less() -> None:
    stub = mail("Your program cannot show this message.", "<p>Berth 12 is yours from 7 March.</p>").as_bytes()
    assert read(stub, "a.eml").text.endswith("Berth 12 is yours from 7 March.")
    same = mail("Berth 12 is yours.\n\n> Which?", "<p>Berth 12 is yours.</p><p>Which?</p>").as_bytes()
    assert blocks(read(same, "a.eml"))[1:] == [("paragraph", "Berth 12 is yours."), ("quote", "> Which?")]


def test_an_invitation_and_a_message_forwarded_in_base64_are_read() -> None:
    message = mail("See you.")
    message.add_alternative(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Launch\nEND:VEVENT\nEND:VCALENDAR", subtype="calendar"
    )
    assert read(message.as_bytes(), "a.eml").text.endswith("Launch")
    inner = base64.b64encode(b"From: a@b.c\nTo: d@e.f\nSubject: Rent\n\nIt ends in June.").decode()
    forwarded = (
        "From: a@b.c\nTo: d@e.f\nSubject: Fwd\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        f"--x\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}\n--x--\n"
    )
    assert read(forwarded, "a.eml").text.endswith("It ends in June.")


def test_the_parts_of_a_saved_page_are_no_attachments() -> None:
    """Its style sheets came as text."""
    page = EmailMessage()
    page["From"], page["Subject"] = "Saved", "Fares"
    page.set_content("<p>Kiel is 9.</p>", subtype="html")
    page.add_related(".a { color: red }", subtype="css", headers=["Content-Location: https://a.b/c.css"])
    page.add_related("Fares of 2031.", headers=["Content-Location: https://a.b/c.txt"])
    text = read(page.as_bytes(), "page.mht").text
    assert "red" not in text
    assert text.endswith("Kiel is 9.\n\nFares of 2031.")


def test_an_invitation_that_is_forwarded_is_read_once() -> None:
    inner, outer = mail("See you."), mail("For you.")
    inner.add_alternative(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Launch\nEND:VEVENT\nEND:VCALENDAR", subtype="calendar"
    )
    outer.add_attachment(inner)
    assert read(outer.as_bytes(), "a.eml").text.count("Launch") == 1


def test_a_mailing_list_that_wraps_a_message_keeps_its_attachment() -> None:
    """The attachments of a message within another were lost."""
    inner = mail("See the fares.")
    inner.add_attachment("Kiel is 9.", filename="fares.txt")
    wrapped = EmailMessage()
    wrapped["From"] = "list@b.c"
    wrapped.make_mixed()
    wrapped.attach(inner)
    wrapped.attach(mail("Leave the list at b.c."))
    text = read(wrapped.as_bytes(), "a.eml").text
    assert [text.count(words) for words in ("See the fares.", "Kiel is 9.", "Leave the list")] == [1, 1, 1]


@pytest.mark.parametrize("sender", ["-", "MAILER DAEMON", '"b c"@d.e'])
def test_mailboxes_of_several_programs_are_their_messages(sender: str) -> None:
    one = f"From {sender} Mon Mar  3 10:00:00 2031\nFrom: a@b.c\nSubject: Berth\n\nFree.\n>From May on.\n"
    text = read(f"{one}\n{one}", "box.mbox").text
    assert text.count("Subject: Berth") == 2
    assert "\nFrom May on." in text


# --- Lists of things: calendars, cards, chats


def test_a_calendar_is_its_events() -> None:
    text = (
        "BEGIN:VCALENDAR\nX-WR-CALNAME:Harbour\nBEGIN:VEVENT\nSUMMARY:Launch\\, at last\nDTSTART;TZID=Europe/Oslo:20310310T0900"
        "\n 00\nATTENDEE;CN=Olga:mailto:o@b.c\nDESCRIPTION:Bring\\n rope\nBEGIN:VALARM\nDESCRIPTION:ring\nEND:VALARM\n"
        "END:VEVENT\nEND:VCALENDAR"
    )
    document = read(text, "a.ics")
    assert document.title == "Harbour"
    assert blocks(document) == [
        ("heading", "Launch, at last"),
        ("list", "Start: 2031-03-10 09:00 (Europe/Oslo)\nAttendee: Olga (o@b.c)"),
        ("paragraph", "Bring\n rope"),
    ]


def test_a_card_is_its_facts() -> None:
    text = (
        "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:S=C3=B8rensen;Ol=\nga\nTEL;TYPE=cell:+47 1\n"
        "ADR:;;Quay 4;Oslo;;0150;Norway\nPHOTO;ENCODING=b:QUJD\nEND:VCARD"
    )
    document = read(text, "a.vcf")
    assert blocks(document) == [
        ("heading", "Olga Sørensen"),
        ("list", "Telephone (cell): +47 1\nAddress: Quay 4, Oslo, 0150, Norway"),
    ]
    assert document.characters_left_out == {"pictures": 4}


def test_a_whole_day_ends_on_its_last_day_and_busy_times_are_read() -> None:
    """An event of one day was given two, and a file of busy times was empty."""
    day = "BEGIN:VEVENT\nSUMMARY:Regatta\nDTSTART;VALUE=DATE:20310310\nDTEND;VALUE=DATE:20310311\nUID:77\nEND:VEVENT"
    busy = "BEGIN:VFREEBUSY\nFREEBUSY:20310310T090000Z/20310310T100000Z,20310311T090000Z/PT1H\nEND:VFREEBUSY"
    document = read(f"BEGIN:VCALENDAR\n{day}\n{busy}\nEND:VCALENDAR", "a.ifb")
    assert document.text == (
        "Regatta\n\nStart: 2031-03-10\nEnd: 2031-03-10\n\nEvent\n\n"
        "Busy: 2031-03-10 09:00 UTC – 2031-03-10 10:00 UTC, 2031-03-11 09:00 UTC – PT1H"
    )
    assert document.characters_left_out == {"fields without a label": 2}


def test_a_card_ends_its_lines_at_line_breaks_only() -> None:
    """A line separator cut a note short, a charset that nobody knows was an error, soft breaks took minutes."""
    coded = "NOTE;CHARSET=x-none;ENCODING=QUOTED-PRINTABLE:Oak" + "=\n=20tar" * 20_000
    document = read(f"BEGIN:VCARD\nFN:Bo\nTITLE:Mate\u2028and cook\n{coded}\nX-ID:77\nEND:VCARD", "a.vcf")
    assert "Position: Mate\nand cook\nNote: Oak tar tar" in document.text
    assert document.text.count("tar") == 20_000
    assert document.characters_left_out == {"fields without a label": 2}


CHATS = [
    ([{"title": "Sail", "mapping": {"a": {"message": {"author": {"role": "user"}, "create_time": 0, "content":
        {"parts": ["When?"]}}}, "b": {"message": None}}}], "user, 1970-01-01 00:00: When?"),
    ([{"type": "message", "user": "U1", "ts": "0.1", "text": "<@U1> sails", "user_profile": {"real_name": "Olga"}}],
     "Olga, 1970-01-01 00:00: @Olga sails"),
    ({"name": "Crew", "messages": [{"from": "Olga", "date": "2031-03-01T10:00:00", "text": ["At ", {"text": "noon"}]}]},
     "Olga, 2031-03-01 10:00: At noon"),
    ([{"name": "Sail", "chat_messages": [{"sender": "human", "created_at": "2031-03-01T10:00:00Z", "text": "When?"}]}],
     "human, 2031-03-01 10:00: When?"),
]  # fmt: skip


@pytest.mark.parametrize(("export", "text"), CHATS, ids=["ChatGPT", "Slack", "Telegram", "Claude"])
def test_an_exported_chat_is_who_said_what(export: object, text: str) -> None:
    """The messages drowned in ids."""
    assert read(json.dumps(export), "export.json").text == text


def test_a_chat_of_whatsapp_is_who_said_what() -> None:
    text = "[03.01.31, 10:15:32] Olga: The key\nis here\n[03.01.31, 10:16:02] Bo: thanks"
    assert [text for _, text in blocks(read(text, "chat.txt"))] == [
        "Olga, 03.01.31, 10:15:32: The key\nis here",
        "Bo, 03.01.31, 10:16:02: thanks",
    ]
    assert read("Rules\n\nNote: sail\nNote: moor", "note.txt").text == "Rules\n\nNote: sail\nNote: moor"


@pytest.mark.parametrize(
    "value",
    [
        {"mapping": {"hull": "steel"}, "title": "Parts"},
        [{"mapping": {}, "berth": "12"}],
        {"messages": [{"text": "Unused rope", "line": 3}], "rule": "tidy"},
        {"messages": [{"author": "Olga", "date": "2031-03-01", "text": "Hi"}], "bills": [{"sum": "40"}]},
        {"messages": [], "name": "Crew"},
        [{"type": "message", "ts": "1", "text": "Hi"}, {"type": "bill", "sum": "40"}],
        [{"name": "Sail", "chat_messages": []}, {"name": "Moor"}],
    ],
)
def test_json_that_is_not_wholly_a_chat_is_read_wholly(value: object) -> None:
    """A field "mapping" or "messages" made a chat of it, and the rest was lost."""
    said = re.findall(r': "?(\w[\w -]*)', json.dumps(value))
    found = read(json.dumps(value), "a.json")
    assert [words for words in said if words not in found.text] == []
    assert found.characters_left_out == {}


def test_what_a_chat_has_beside_its_messages_is_counted() -> None:
    chat = {"name": "Crew", "id": 77, "messages": [{"type": "service", "actor": "Bo"}]}
    chat["messages"] += [{"id": 8, "from": "Olga", "date": "2031-03-01", "text": "At noon"}]  # type: ignore[operator]
    document = read(json.dumps(chat), "a.json")
    assert document.text == "Olga, 2031-03-01: At noon"
    assert document.characters_left_out == {"other fields of the chat": len("77serviceBo8")}


def test_a_chat_of_whatsapp_loses_none_of_its_lines_and_a_log_is_not_one() -> None:
    """The lines before the first message were dropped."""
    chat = "Exported\n03.01.31, 10:14 - Olga made the group\n03.01.31, 10:15 - Olga: The key\n03.01.31, 10:16 - Bo: ok"
    assert [text for _, text in blocks(read(chat, "chat.txt"))] == [
        "Exported",
        "03.01.31, 10:14: Olga made the group",
        "Olga, 03.01.31, 10:15: The key",
        "Bo, 03.01.31, 10:16: ok",
    ]
    for line in (
        "2031-03-01 10:15:32 pump: on",
        "[2031-03-01 10:15:32] pump: on",
        "2031-03-01 10:15:32 - pump: on",
    ):
        assert read(f"{line}\n{line}", "pump.log").text == f"{line}\n{line}"


def test_subtitles_name_the_speaker_where_another_begins() -> None:
    cues = (
        "WEBVTT\n\nNOTE by Bo\n\nid-1\n00:01.000 --> 00:02.000\n<v Olga>Sail\n\n"
        "00:02.000 --> 00:03.000\n<v Olga>now.\n\n00:03.000 --> 00:04.000\n<v Bo>Aye.\n"
    )
    assert read(cues, "a.vtt").text == "[0:00:01] Olga: Sail now. Bo: Aye."


# --- Markup

JATS = """<?xml version="1.0"?><article><front><journal-meta><p>Journal</p></journal-meta><article-meta>
<title-group><article-title>Of Kettles</article-title></title-group><pub-date><year>2031</year><month>3</month></pub-date>
</article-meta></front><body><sec><title>Water</title><p>It <i>boils</i>.</p>
<table><tr><th>Pot</th><th>Time</th></tr><tr><td>tin</td><td>9</td></tr></table></sec></body></article>"""


def test_an_article_in_xml_is_its_text() -> None:
    document = read(JATS, "a.xml")
    assert (document.title, document.date) == ("Of Kettles", "2031-03")
    assert blocks(document) == [
        ("heading", "Of Kettles"),
        ("heading", "Water"),
        ("paragraph", "It boils."),
        ("table", "| Pot | Time |\n|---|---|\n| tin | 9 |"),
    ]
    assert document.characters_left_out == {"data of the journal": 12}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<rss><channel><item><title>Depot</title><description>&lt;p>Opens&lt;/p></description></item></channel></rss>",
         "Depot\n\nOpens"),
        ("<FictionBook><body><section><title><p>One</p></title><p>Rain.</p></section></body><binary>QQ</binary></FictionBook>",
         "One\n\nRain."),
        ("<book><chapter><title>One</title><para>Rain.</para><programlisting>a\n  b</programlisting></chapter></book>",
         "One\n\nRain.\n\na\n  b"),
        ("<ships><ship id='7'><name>Gull</name></ship><ship><name>Tern</name></ship></ships>",
         "ship.id: 7\nname: Gull\n\nname: Tern"),
        ("<a><n>Sail</n><n xml:lang='de'>Segel</n></a>", "n: Sail\nn (de): Segel"),
        ("<a><b>Fares & ports</b>", "Fares & ports"),
    ],
    ids=["RSS", "FB2", "DocBook", "data", "values", "damaged"],
)  # fmt: skip
def test_xml_is_read_without_its_tags(source: str, text: str) -> None:
    assert read(f'<?xml version="1.0"?>{source}', "a.xml").text == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<section>Rain<para>Sun</para>Snow</section>", "Rain\n\nSun\n\nSnow"),
        ("<section>Ra<b>i<u>n</u></b>coat</section>", "Raincoat"),
        ("<p>Pots:<list><list-item><p>tin</p></list-item><list-item><p>o<i>a</i>k</p></list-item></list>Pans.</p>",
         "Pots:\n\n- tin\n\n- oak\n\nPans."),
        ("<title>H<sub>2</sub>O</title><caption><title>Pot</title><p>Tin</p></caption>", "H2O\n\nPot Tin"),
        ("<p>See <mixed-citation>Bo. <article-title>Rain</article-title>.</mixed-citation></p>", "See Bo. Rain."),
        ("<table><tr><td colspan='9999999' rowspan='x'>tin</td></tr></table>", "| tin |\n|---|"),
    ],
    ids=["order", "words", "list in a paragraph", "titles", "citation", "spans"],
)  # fmt: skip
def test_the_text_of_xml_keeps_its_order_and_its_words(source: str, text: str) -> None:
    """Text beside a block came after it, items were glued, and the letters of a word parted."""
    assert read(f'<?xml version="1.0"?><article>{source}</article>', "a.xml").text == text


def test_damaged_xml_of_many_openings_is_read_in_one_pass() -> None:
    """Each sign was searched to the end of the file."""
    assert read('<?xml version="1.0"?>' + "<" * 300_000, "a.xml").text == "<" * 300_000


TEX = r"""\documentclass{article} % a remark
\title{Of Kettles}\date{March 2031}
\begin{document}\maketitle
\section{Water}\label{sec:w} It \emph{boils} at 100\,\% of $t_0$, says M\"uller~\cite{m}.
\begin{itemize}\item tin \item[Oak] wood\end{itemize}
\begin{tabular}{ll}Pot & Time \\ \hline tin & 9 \\\end{tabular}
\begin{equation}E = mc^2\end{equation}
\end{document}"""


def test_latex_is_read_without_its_commands() -> None:
    document = read(TEX, "a.tex")
    assert (document.title, document.date) == ("Of Kettles", "2031-03")
    assert blocks(document)[2:] == [
        ("heading", "Water"),
        ("paragraph", "It boils at 100% of $t_0$, says Müller [m]."),
        ("list", "- tin\n- Oak: wood"),
        ("table", "| Pot | Time |\n|---|---|\n| tin | 9 |"),
        ("paragraph", "$E = mc^2$"),
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"Tin\footnote{Since \emph{May}.} boils.", "Tin (Since May.) boils."),
        (r"A \textcolor{red}{hot} pot, see \href{https://a.b}{the list}.", "A hot pot, see the list (https://a.b)."),
        (r"It is \$5 or \$6, at $x$.", "It is $5 or $6, at $x$."),
        (r"\begin{tabular}{ll}\multicolumn{2}{c}{Pot} \\ tin & 9 \\\end{tabular}", "| Pot | Pot |\n|---|---|\n| tin | 9 |"),
        ("\\begin{verbatim}\na = 7 % b\n\\end{verbatim}\nEnd. % no", "a = 7 % b\n\nEnd."),
        ("Line\\\\% no\nnext", "Line\nnext"),
        (r"\begin{itemize}\item tin\begin{enumerate}\item old\item new\end{enumerate}\item oak\end{itemize}End.",
         "- tin\n  1. old\n  2. new\n- oak\n\nEnd."),
    ],
    ids=["footnote", "two arguments", "dollars", "span", "code", "break", "nested list"],
)  # fmt: skip
def test_the_arguments_of_latex_are_neither_glued_nor_lost(source: str, text: str) -> None:
    assert read(source, "a.tex").text == text


@pytest.mark.parametrize(
    "opening", [r"\begin{itemize}\item ", r"\[ ", r"\( ", r"\title{", r"\footnote{", r"\begin{minted}"]
)
def test_latex_of_many_openings_is_read_in_one_pass(opening: str) -> None:
    """Each was searched to the end of the file."""
    began = time.process_time()
    read(opening * 10_000, "a.tex")
    assert time.process_time() - began < 3


def test_what_only_sphinx_knows_keeps_its_words() -> None:
    source = (
        "Guide\n=====\n\nPress :kbd:`Ctrl+C`, see :ref:`the setup <setup>`.\n\n.. note:: Back up.\n\n.. tabs::\n\n"
        "   .. tab:: Linux\n\n      Run apt.\n\n.. versionadded:: 3.2\n   New.\n\n.. automodule:: pkg\n   :members:\n\nEnd.\n"
    )
    document = read(source, "a.rst")
    for words in (
        "Press Ctrl+C, see the setup.",
        "Back up.",
        "Linux",
        "Run apt.",
        "versionadded: 3.2",
        "New.",
        "End.",
    ):
        assert words in document.text
    assert list(document.characters_left_out) == ["references to other files"]


def test_boxes_headers_and_rare_letters_of_rich_text_are_read() -> None:
    source = r"{\rtf1\ansi{\header File 88\par}Sun \u-10179?\u-8704?.\par{\shp{\*\shpinst{\shptxt \pard Box.\par}}}}"
    assert read(source, "a.rtf").text == "File 88\n\nSun 😀.\n\nBox."


# --- Pictures in text, notebooks, parts that are damaged

PICTURE = "data:image/png;base64," + "QUJD" * 50


def test_pictures_written_into_the_text_are_left_out() -> None:
    """A note of two lines had 100,000 characters of a picture in the index."""
    document = read(f"# Kettles\n\n![a pot]({PICTURE})", "a.md")
    assert document.text == "# Kettles\n\n![a pot](data:…)"
    assert document.characters_left_out == {"pictures written into the text": len(PICTURE)}


def test_a_notebook_shows_errors_and_tables() -> None:
    outputs = [
        {"output_type": "error", "ename": "ValueError", "evalue": "too hot", "traceback": ["\x1b[31mline"]},
        {"data": {"text/html": "<table><tr><th>a<th>b<tr><td>1<td>2</table>", "text/plain": "a b"}},
        {"data": {"text/markdown": "**Best: B**", "image/png": "QUJD"}},
    ]
    cells = [{"cell_type": "code", "source": "fit()", "outputs": outputs}]
    document = read(json.dumps({"cells": cells}), "a.ipynb")
    assert [text for _, text in blocks(document)] == [
        "fit()", "ValueError: too hot", "| a | b |\n|---|---|\n| 1 | 2 |", "**Best: B**",
    ]  # fmt: skip
    assert document.characters_left_out == {"tracebacks": 9, "pictures": 4}


def test_a_damaged_member_costs_only_itself() -> None:
    data = bytearray(zipped({"a.txt": b"Good.", "b.txt": b"Bad, bad."}))
    with zipfile.ZipFile(__import__("io").BytesIO(bytes(data))) as archive:
        start = archive.getinfo("b.txt").header_offset + 30 + len("b.txt")
    data[start] ^= 0xFF
    document = read(bytes(data), "all.zip")
    assert document.text == "Good."
    assert document.warnings[0].startswith("Left out b.txt: ")


def test_a_line_that_is_no_json_costs_only_itself() -> None:
    document = read('{"a": 1}\n{"b": \n{"c": 3}\n{"d": 4}', "a.ndjson")
    assert document.text == "a: 1\n\nc: 3\n\nd: 4"
    assert document.warnings[0].startswith("Line 2 is not valid JSON and is left out")
    with pytest.raises(UnreadableDocument, match="not valid JSON"):
        read("{a\nb\n1", "a.json")


def test_the_delimiter_that_a_file_declares_is_taken() -> None:
    assert read("sep=;\nPort;Fare\nKiel;1,50", "a.csv").text == "| Port | Fare |\n|---|---|\n| Kiel | 1,50 |"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"Index/Document.iwa": b"x", "preview.jpg": b"x"}, "Apple Pages, Numbers or Keynote"),
        ({"mimetype": b"application/vnd.oasis.opendocument.graphics"}, "OpenDocument drawing"),
        ({"FixedDocSeq.fdseq": b"x"}, "XPS document"),
    ],
)
def test_a_format_that_nothing_reads_is_refused_with_a_way_out(members: dict[str, bytes], words: str) -> None:
    """Their insides were indexed as raw XML, and counted as read."""
    with pytest.raises(UnsupportedFormat, match=words):
        read(zipped(members), "plan.pages")


def test_an_old_office_file_that_is_no_spreadsheet_is_not_called_one() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "Bookman".encode("utf-16-le") + bytes(99)
    with pytest.raises(UnsupportedFormat):
        read(data, "letter.doc")


def opendocument_text(styles: str, body: str) -> bytes:
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("text", "text"), ("style", "style"))
    )
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    return zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": content.encode()})


def test_numbered_lists_of_an_opendocument_text_keep_their_numbers() -> None:
    """Every item came with a dash, and "step 3" led nowhere."""
    level = "<text:list-level-style-number text:level='1' style:num-suffix=')' style:num-format='1'/>"
    styles = f"<text:list-style style:name='L1'>{level}</text:list-style>"
    inner = "<text:list><text:list-item><text:p>Main first.</text:p></text:list-item></text:list>"
    items = "<text:list-item><text:p>Cast off.</text:p></text:list-item>"
    items += f"<text:list-item><text:p>Set sail.</text:p>{inner}</text:list-item>"
    more = "<text:list-item><text:p>Steer.</text:p></text:list-item>"
    at_nine = "<text:list-item text:start-value='9'><text:p>Moor.</text:p></text:list-item>"
    body = (
        f"<text:list text:style-name='L1'>{items}</text:list>"
        f"<text:list text:style-name='L1' text:continue-numbering='true'>{more}{at_nine}</text:list>"
        f"<text:list text:style-name='L1'>{more}</text:list>"
    )
    found = read_document(opendocument_text(styles, body), "sailing.odt")
    assert [found.text[block.start : block.end] for block in found.blocks] == [
        "1) Cast off.\n2) Set sail.\n  - Main first.",
        "3) Steer.\n9) Moor.",
        "1) Steer.",
    ]


def test_text_that_an_opendocument_text_hides_is_kept_apart() -> None:
    data = opendocument_text(
        "<style:style style:name='T1'><style:text-properties text:display='none'/></style:style>",
        "<text:p>The rent <text:span text:style-name='T1'>is waived.</text:span>is due.</text:p>",
    )
    found = read_document(data, "lease.odt")
    assert [(block.heading_path, found.text[block.start : block.end]) for block in found.blocks] == [
        ((), "The rent is due."),
        ((HIDDEN_TEXT,), HIDDEN_TEXT),
        ((HIDDEN_TEXT,), "is waived."),
    ]
