"""Web pages come in by their addresses, and nothing else of any network does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.errors import UsageError
from rag.ingest import Pages, Receipt, fetch, watch
from rag.ingest.fetch import Fetched, is_address, is_public
from rag.ingest.pages import file_of
from rag.store import SqliteStore, open_store
from tests.fakes.ingest import PlainPool, WordEmbedder, run
from tests.fakes.web_server import Answer, Site, web_server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with open_store(tmp_path / "library" / "library.db") as opened:
        yield opened


@pytest.fixture
def site() -> Iterator[Site]:
    with web_server() as served:
        yield served


def take(store: SqliteStore, *urls: str, sitemaps: tuple[str, ...] = (), **options: Any) -> Receipt:
    asked = Pages(urls, sitemaps, allow_private=options.pop("allow_private", True))
    return run(store, options.pop("embedder", WordEmbedder()), pages=asked, **options)


def counts(receipt: Receipt) -> dict[str, int]:
    return {name: number for name, number in receipt.as_json()["documents"].items() if number}


def problem(store: SqliteStore, url: str, **options: Any) -> str:
    receipt = take(store, url, **options)
    assert counts(receipt) == {"failed": 1}
    assert receipt.failures[0].doc == url
    return receipt.failures[0].error


def test_a_page_is_kept_as_it_was_fetched_with_its_address_and_time(store: SqliteStore, site: Site) -> None:
    url = site.put("/guide/", "<title>Ferries</title><p>The ferry sails at nine.")
    assert counts(take(store, url)) == {"added": 1}
    (entry,) = store.documents("default")
    assert (entry.doc.partition("/")[2], entry.title) == ("guide/index.html", "Ferries")
    assert entry.metadata["url"] == url
    assert str(entry.metadata["fetched"]).startswith("20")
    (stored,) = store.documents_named("default", entry.doc)
    assert stored.file is not None and stored.file.read_bytes() == site.pages["/guide/"].body


@pytest.mark.parametrize(
    ("path", "media_type", "body", "ending"),
    [
        ("/a", "text/html; charset=utf-8", "<p>Some text.", ".html"),
        ("/a", "application/xhtml+xml", "<html><p>Some text.</p></html>", ".html"),
        ("/a.md", "text/plain", "# A heading", ".md"),
        ("/a", "text/plain", "Some text.", ".txt"),
        ("/a.php", "text/html", "<p>Some text.", ".php.html"),
        ("/rates", "text/csv", "a,b\n1,2\n", ".csv"),
        ("/a", "", "Some text.", ".txt"),
    ],
)
def test_a_page_is_read_as_what_it_is(
    store: SqliteStore, site: Site, path: str, media_type: str, body: str, ending: str
) -> None:
    assert counts(take(store, site.put(path, body, media_type))) == {"added": 1}
    assert store.documents("default")[0].doc.endswith(ending)


def test_a_page_is_fetched_again_only_when_it_has_changed(store: SqliteStore, site: Site) -> None:
    url, embedder = site.put("/a", "<p>The ferry sails at nine.", ETag='"1"'), WordEmbedder()
    take(store, url, embedder=embedder)
    assert counts(take(store, url, embedder=embedder)) == {"unchanged": 1}
    assert len(embedder.embedded) == 1
    before = store.documents("default")[0].metadata["url"]
    site.put("/a", "<p>The ferry sails at ten.", ETag='"2"')
    assert counts(take(store, url, embedder=embedder)) == {"updated": 1}
    assert store.documents("default")[0].metadata["url"] == before
    (store.page_folder("default") / store.documents("default")[0].doc).unlink()
    assert counts(take(store, url, embedder=embedder)) == {"unchanged": 1}


def test_a_page_that_fails_leaves_the_rest_going_on(store: SqliteStore, site: Site) -> None:
    good = site.put("/good", "<p>The ferry sails.")
    receipt = take(store, site.url + "/missing", good)
    assert counts(receipt) == {"added": 1, "failed": 1}
    assert [(failed.doc, failed.error) for failed in receipt.failures] == [
        (site.url + "/missing", "the server answered 404 Not Found.")
    ]


def test_a_page_that_is_gone_is_kept_until_told(store: SqliteStore, site: Site) -> None:
    url = site.put("/a", "<p>The ferry sails.")
    take(store, url)
    del site.pages["/a"]
    assert counts(take(store, url)) == {"failed": 1}
    assert len(store.documents("default")) == 1
    assert counts(take(store, url, prune=True)) == {"removed": 1}
    assert (store.documents("default"), store.pages("default")) == ([], [])
    assert [file for file in store.page_folder("default").rglob("*") if file.is_file()] == []


def test_private_addresses_are_refused_unless_allowed(store: SqliteStore, site: Site) -> None:
    url = site.put("/a", "<p>Only for this house.")
    assert "private address 127.0.0.1" in problem(store, url, allow_private=False)
    assert "private address" in problem(store, url.replace("127.0.0.1", "localhost"), allow_private=False)
    assert site.requests == []


def test_a_redirect_to_a_private_address_is_refused(
    store: SqliteStore, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public page could have the library fetch what only this computer can reach."""
    site.pages["/public"] = Answer(status=302, headers={"Location": "http://localhost:1/secret"})
    looked_up = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        return looked_up("127.0.0.1" if host == "public.example" else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(fetch, "is_public", lambda place: len(site.requests) == 0)
    url = site.url.replace("127.0.0.1", "public.example") + "/public"
    assert "localhost is at the private address" in problem(store, url, allow_private=False)
    assert site.requests == ["/public"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/a"])
def test_a_redirect_off_the_web_is_refused(store: SqliteStore, site: Site, location: str) -> None:
    site.pages["/a"] = Answer(status=301, headers={"Location": location})
    assert "only http and https" in problem(store, site.url + "/a")


def test_redirects_are_followed_but_not_for_ever(store: SqliteStore, site: Site) -> None:
    site.put("/new", "<p>The ferry sails.")
    site.pages["/old"] = Answer(status=301, headers={"Location": "/new"})
    assert counts(take(store, site.url + "/old")) == {"added": 1}
    site.pages["/loop"] = Answer(status=302, headers={"Location": "/loop"})
    assert "more than 5 times" in problem(store, site.url + "/loop")


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_too_large_is_refused(
    store: SqliteStore, site: Site, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 1_000)
    site.put("/a", "x" * 2_000)
    if not announced:
        site.pages["/a"].headers["Content-Length"] = ""
    assert "larger than" in problem(store, site.url + "/a")


def test_what_takes_too_long_is_refused(
    store: SqliteStore, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "MAX_SECONDS", 0.0)
    assert "did not come within" in problem(store, site.put("/a", "<p>Text."))


@pytest.mark.parametrize(
    ("media_type", "body"), [("image/png", b"not text"), ("application/octet-stream", bytes(range(256)) * 8)]
)
def test_what_no_reader_knows_is_refused(
    store: SqliteStore, site: Site, media_type: str, body: bytes
) -> None:
    site.pages["/a"] = Answer(body, headers={"Content-Type": media_type})
    assert f"it is {media_type}, which no reader knows" in problem(store, site.url + "/a")


def test_a_name_with_a_password_is_refused(store: SqliteStore, site: Site) -> None:
    assert "leave them out" in problem(store, site.url.replace("//", "//ann:secret@"))


@pytest.mark.parametrize("url", ["http://[bad/a", "http://", "https://exa mple.org/"])
def test_what_is_not_an_address_is_said(store: SqliteStore, url: str) -> None:
    assert problem(store, url)
    assert take(store, sitemaps=(url,)).failures[0].doc == url


def test_a_server_that_is_not_there_is_named(store: SqliteStore) -> None:
    assert "cannot be fetched" in problem(store, "http://127.0.0.1:1/a")


def urlset(*urls: str, root: str = "urlset", entry: str = "url") -> str:
    places = "".join(f"<{entry}><loc>{url}</loc></{entry}>" for url in urls)
    return f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</{root}>'


def test_a_sitemap_brings_its_pages_as_far_as_robots_may(store: SqliteStore, site: Site) -> None:
    pages = [site.put(f"/{name}", f"<p>About {name}.") for name in ("a", "b", "private/c")]
    site.put("/robots.txt", "User-agent: *\nDisallow: /private/\n", "text/plain")
    site.put("/part.xml", urlset(*pages, "http://elsewhere.example/d", "http://[bad"), "application/xml")
    index = site.put(
        "/sitemap.xml", urlset(site.url + "/part.xml", root="sitemapindex", entry="sitemap"), "text/xml"
    )
    receipt = take(store, sitemaps=(index,))
    assert counts(receipt) == {"added": 2}
    assert [left.doc for left in receipt.skipped] == [pages[2]] and "robots.txt" in receipt.skipped[0].error
    assert not {"/private/c", "/d"} & set(site.requests)
    assert counts(take(store, sitemaps=(index,))) == {"unchanged": 2}
    assert {entry.doc.partition("/")[2] for entry in store.documents("default")} == {"a.html", "b.html"}
    assert store.roots("default") == {str(store.page_folder("default")): True}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<p>A page.</p>", "is not a sitemap"),
        ("no XML", "is not a sitemap"),
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><urlset>&a;</urlset>', "definitions of its own"),
    ],
)
def test_what_is_not_a_sitemap_is_said(store: SqliteStore, site: Site, content: str, said: str) -> None:
    receipt = take(store, sitemaps=(site.put("/sitemap.xml", content, "application/xml"),))
    assert counts(receipt) == {"failed": 1}
    assert said in receipt.failures[0].error


def test_a_site_whose_rules_cannot_be_read_is_left_alone(store: SqliteStore, site: Site) -> None:
    index = site.put("/sitemap.xml", urlset(site.put("/a", "<p>Text.")), "application/xml")
    site.pages["/robots.txt"] = Answer(status=503)
    receipt = take(store, sitemaps=(index,))
    assert "robots.txt cannot be read" in receipt.failures[0].error
    assert site.requests == ["/robots.txt"]


def test_watching_asks_for_the_pages_again(
    store: SqliteStore, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.ingest.PAGES_SECONDS", 0.0)
    monkeypatch.setattr("rag.ingest._changes", lambda paths, stop: iter([False, False]))
    asked = Pages((site.put("/a", "<p>The ferry sails at nine."),), allow_private=True)
    found = []
    for event in watch(
        [], pages=asked, stop=threading.Event(), store=store, embedder=WordEmbedder(), pools=PlainPool
    ):
        if event.receipt:
            found.append(counts(event.receipt))
            site.put("/a", f"<p>The ferry sails at {len(found)}.")
    assert found == [{"added": 1}, {"updated": 1}, {"updated": 1}]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("https://example.org/a", True),
        ("HTTP://example.org", True),
        ("notes/https.md", False),
        ("C:\\notes", False),
        ("a:b", False),
    ],
)
def test_addresses_are_told_from_paths(path: str, expected: bool) -> None:
    assert is_address(path) is expected


@pytest.mark.parametrize("path", ["file:///etc/passwd", "file:notes", "ftp://example.org/a", "s3://bucket/a"])
def test_addresses_of_other_kinds_are_refused(path: str) -> None:
    with pytest.raises(UsageError, match="only http and https"):
        is_address(path)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(place: str, expected: bool) -> None:
    assert is_public(place) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org", "example.org/index.html"),
        ("https://Example.org:8080/a/b/", "example.org_8080/a/b/index.html"),
        ("https://example.org/a.html", "example.org/a.html"),
        ("https://example.org/../../etc/passwd", "example.org/_/_/etc/passwd.html"),
        ("https://example.org/%2e%2e%2f.git/x", "example.org/_/_.git/x.html"),
        ("https://example.org/node_modules/a", "example.org/_node_modules/a.html"),
    ],
)
def test_a_page_is_kept_below_its_host_whatever_its_path(url: str, expected: str) -> None:
    assert file_of(url, Fetched(b"<p>Text.", "text/html", None, None), ()) == expected


def test_pages_that_differ_by_their_query_have_files_of_their_own() -> None:
    fetched = Fetched(b"<p>Text.", "text/html", None, None)
    first, second = (file_of(f"https://example.org/a?id={id_}", fetched, ()) for id_ in (1, 2))
    assert first != second
    assert file_of("https://example.org/a", fetched, ["example.org/a.html"]) != "example.org/a.html"
