"""The pages that a site names in its sitemap, as far as its robots.txt lets programs read them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit
from urllib.robotparser import RobotFileParser
from xml.etree.ElementTree import Element, ParseError, fromstring

from rag.ingest.fetch import AGENT, MAX_BYTES, Fetched, FetchError

MAX_PAGES = 2_000
MAX_SITEMAPS = 50
MAX_DELAY_SECONDS = 10.0

Fetch = Callable[[str], Fetched | None]


@dataclass(frozen=True, slots=True)
class Site:
    """What a site wants read: its pages, those that it keeps programs from, and the pause between two."""

    pages: tuple[str, ...]
    barred: tuple[str, ...]
    delay_seconds: float


def read_sitemap(url: str, fetch: Fetch) -> Site:
    """The pages of a sitemap, and of those that it names, on its own host.

    Raises:
        FetchError: it cannot be fetched, or is not a sitemap.
    """
    if not _host(url):
        raise FetchError("it is not an address.")
    rules = _rules(url, fetch)
    if not rules.can_fetch(AGENT, url):
        raise FetchError("the site's robots.txt keeps programs from it.")
    found = [page for page in dict.fromkeys(_pages(url, fetch)) if _host(page) == _host(url)]
    pages = [page for page in found if rules.can_fetch(AGENT, page)]
    barred = [page for page in found if not rules.can_fetch(AGENT, page)]
    delay = min(float(rules.crawl_delay(AGENT) or 0), MAX_DELAY_SECONDS)
    return Site(tuple(pages[:MAX_PAGES]), tuple(barred), delay)


def _rules(url: str, fetch: Fetch) -> RobotFileParser:
    """The robots.txt of a site: where there is none, everything may be read (RFC 9309, 2.3.1)."""
    rules = RobotFileParser()
    try:
        fetched = fetch(urlunsplit((*urlsplit(url)[:2], "/robots.txt", "", "")))
    except FetchError as error:
        if not error.gone:
            raise FetchError(f"the site's robots.txt cannot be read: {error}") from error
        fetched = None
    rules.parse(fetched.content.decode("utf-8", "replace").splitlines() if fetched else [])
    return rules


def _pages(url: str, fetch: Fetch) -> Iterator[str]:
    """The addresses in a sitemap; of an index of sitemaps, those in each of them."""
    waiting, seen = [url], set[str]()
    while waiting and len(seen) < MAX_SITEMAPS:
        at_hand = waiting.pop(0)
        seen.add(at_hand)
        tree = _parsed(at_hand, fetch(at_hand))
        places = [(place.text or "").strip() for place in tree.iter() if _name(place) == "loc"]
        if _name(tree) == "sitemapindex":
            waiting += [one for one in places if one not in seen and _host(one) == _host(url)]
        else:
            yield from places


def _parsed(url: str, fetched: Fetched | None) -> Element:
    content = fetched.content if fetched else b""
    try:
        if content.startswith(b"\x1f\x8b"):
            with gzip.open(io.BytesIO(content)) as packed:
                content = packed.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES or b"<!DOCTYPE" in content:  # a small one may unfold to gigabytes
            raise FetchError(f"the sitemap {url} is too large, or has definitions of its own.")
        tree = fromstring(content)
    except (ParseError, OSError, EOFError) as error:
        raise FetchError(f"{url} is not a sitemap ({error}).") from error
    if _name(tree) not in ("urlset", "sitemapindex"):
        raise FetchError(f"{url} is not a sitemap.")
    return tree


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _host(url: str) -> str:
    """The host and port of an address; "" of what is none."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
