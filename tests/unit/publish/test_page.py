from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from golden_files import assert_golden
from hypothesis import given, settings
from hypothesis import strategies as st

import sample
from slipway.actions.store import Content
from slipway.files import digest_file
from slipway.manifest import Artifact, Manifest
from slipway.publish.markup import html_of
from slipway.publish.page import ReleasePage, release_html, write_page

VOID = {"br", "meta", "hr"}
IN_NOTES = {"h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "pre", "code", "a", "strong", "em", "blockquote", "hr"}
IN_NOTES |= {"br", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {("a", "href"), ("a", "title"), ("ol", "start"), ("code", "class"), ("th", "style"), ("td", "style")}
NOTES = "## Added\n\n- a greeting for `you` ([more](https://hello.example/1))\n- an evening\n\n## Fixed\n\nNothing was broken.\n"
FILES = {
    "hello-1.2.3-linux-amd64.tar.gz": ("archive", "linux-amd64", ""),
    "hello-1.2.3-linux-amd64.tar.gz.sig": ("signature", "linux-amd64", "hello-1.2.3-linux-amd64.tar.gz"),
    "hello-1.2.3-linux-amd64.tar.gz.minisig": ("signature", "linux-amd64", "hello-1.2.3-linux-amd64.tar.gz"),
    "hello-1.2.3-windows-amd64.zip": ("archive", "windows-amd64", ""),
    "install.sh": ("installer", "", ""),
    "install.ps1": ("installer", "", ""),
}
LISTED = ("SHA256SUMS", "manifest.json", "online-install.sh")


def artifact(name: str) -> Artifact:
    kind, platform, signs = FILES[name]
    digests = {"sha256": name.encode().hex().ljust(64, "0")[:64]}
    return Artifact(kind=kind, name=name, path=name, size=1000, digests=digests, media_type="x/y", platform=platform, signs=signs)


def content(name: str, size: int = 1000) -> Content:
    return Content(
        name=f"v1.2.3/{name}",
        path=f"packages/{name}",
        size=size,
        sha256=name.encode().hex().ljust(64, "0")[:64],
        media_type="x/y",
    )


def page(**changes: Any) -> ReleasePage:
    values: dict[str, Any] = {
        "manifest": Manifest(name="hello", version="1.2.3", epoch=sample.EPOCH, artifacts=tuple(map(artifact, sorted(FILES)))),
        "tag": "v1.2.3",
        "folder": "v1.2.3",
        "contents": tuple(content(name, 1000 * place**4) for place, name in enumerate((*FILES, *LISTED), 1)),
        "summary": "Greet whoever asks",
        "homepage": "https://hello.example",
        "url": "https://downloads.hello.example",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "commit_url": "https://git.hello.example/commit/0123456789abcdef0123456789abcdef01234567",
        "notes": NOTES,
    }
    return ReleasePage(**(values | changes))


class Reader(HTMLParser):
    """Reads HTML strictly: what is opened is closed, in order; keeps links, texts and the cells of the table."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.links, self.rows = list[str](), list[str](), list[str](), list[list[str]]()
        self.texts = list[tuple[str, str]]()
        self.attributes = list[tuple[str, str, str]]()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))
            if "td" in self.open:
                self.rows[-1][-1] += data

    def of(self, tag: str) -> list[str]:
        return [text for each, text in self.texts if each == tag]


@pytest.mark.req("S2-14")
def test_the_page_as_it_is(tmp_path: Path) -> None:
    data, shown = write_page(page(), tmp_path)
    assert (data.name, shown.name) == ("release.json", "index.html")
    assert_golden("index.html", shown.read_text())
    assert_golden("release.json", data.read_text())


@pytest.mark.req("S2-14", "S2-15")
def test_every_file_is_listed_once_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    data, shown = write_page(page(), tmp_path)
    reader = Reader(shown.read_text())
    rows = {row[0]: row for row in reader.rows if row}
    signatures = {name for name in FILES if FILES[name][2]}
    assert set(rows) == ({*FILES, *LISTED} - signatures) | {"release.json"}
    assert rows["hello-1.2.3-linux-amd64.tar.gz"] == [
        "hello-1.2.3-linux-amd64.tar.gz",
        "linux-amd64",
        "1000 bytes",
        content("hello-1.2.3-linux-amd64.tar.gz").sha256,
        "minisig sig",
    ]
    assert rows["release.json"][3] == digest_file(data)
    assert {f"https://downloads.hello.example/v1.2.3/{name}" for name in (*FILES, *LISTED)} <= set(reader.links)
    assert [row[0] for row in reader.rows if row][:2] == ["hello-1.2.3-linux-amd64.tar.gz", "hello-1.2.3-windows-amd64.zip"]


def test_it_needs_no_script_and_loads_nothing() -> None:
    reader = Reader(release_html(page()))
    assert {"script", "link", "img", "iframe", "form", "base"}.isdisjoint(reader.tags)
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    policy = [value for tag, name, value in reader.attributes if (tag, name) == ("meta", "content") and "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "width=device-width, initial-scale=1" in [value for _, _, value in reader.attributes]
    assert "color-scheme: light dark" in (style := reader.of("style")[0])
    assert "url(" not in style


def test_the_lines_install_this_release_from_this_store() -> None:
    lines = [text for text in Reader(release_html(page())).of("code") if "http" in text]
    address = "https://downloads.hello.example/v1.2.3"
    assert lines[0] == f"curl --proto '=https' --tlsv1.2 -fsSL {address}/online-install.sh | sh"
    assert lines[2] == f"irm {address}/install.ps1 | iex"
    local = [text for text in Reader(release_html(page(url="http://127.0.0.1:8000"))).of("code") if "http" in text]
    assert local[0] == "curl -fsSL http://127.0.0.1:8000/v1.2.3/online-install.sh | sh"
    fewer = tuple(each for each in page().contents if "install" not in each.name)
    assert "Install" not in Reader(release_html(page(contents=fewer))).of("h2")


def test_without_a_public_address_links_lead_to_what_lies_beside(tmp_path: Path) -> None:
    data, shown = write_page(page(url="", homepage="", commit_url=""), tmp_path)
    reader = Reader(shown.read_text())
    assert "hello-1.2.3-windows-amd64.zip" in reader.links
    assert not [link for link in reader.links if "://" in link and "hello.example/1" not in link]
    assert "Install" not in reader.of("h2")
    assert {each["url"] for each in json.loads(data.read_text())["files"]} == {""}


def test_a_name_that_a_store_changes_still_is_the_artifact_s() -> None:
    mangled = replace(content("hello-1.2.3-linux-amd64.tar.gz"), name="v1.2.3/hello.amd64+1 #2.tar.gz")
    contents = (mangled, *(each for each in page().contents if each.path != mangled.path))
    reader = Reader(release_html(page(contents=contents)))
    (row,) = (row for row in reader.rows if row and row[0] == "hello.amd64+1 #2.tar.gz")
    assert (row[1], row[4]) == ("linux-amd64", "minisig sig")
    (link,) = (link for link in reader.links if "amd64" in link and unquote(link).endswith("+1 #2.tar.gz"))
    assert link == "https://downloads.hello.example/v1.2.3/hello.amd64%2B1%20%232.tar.gz"


def test_the_data_say_what_where_and_all_that_the_manifest_says(tmp_path: Path) -> None:
    said = json.loads(write_page(page(prerelease=True), tmp_path)[0].read_bytes())
    assert (said["product"], said["version"], said["tag"], said["date"]) == ("hello", "1.2.3", "v1.2.3", "2026-01-01T00:00:00Z")
    assert (said["commit"], said["prerelease"]) == (page().commit, True)
    assert said["url"] == "https://downloads.hello.example/v1.2.3/"
    assert said["manifest"] == json.loads(page().manifest.dump())
    assert {each["name"] for each in said["files"]} == {each.name for each in page().contents}
    assert {each["url"] for each in said["files"]} == {f"https://downloads.hello.example/{each.name}" for each in page().contents}


def test_nothing_that_is_said_becomes_html() -> None:
    bad = "<script>alert(1)</script>\"'&"
    manifest = replace(page().manifest, name=bad)
    evil = page(manifest=manifest, summary=bad, notes=bad, commit=bad, commit_url=f"https://x.example/{bad}", homepage=bad)
    reader = Reader(release_html(evil))
    assert "script" not in reader.tags
    assert bad in reader.of("title")[0]


def test_a_project_s_own_template_goes_before_ours(tmp_path: Path) -> None:
    own = tmp_path / "templates/page/index.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<p>{{ name | xml }} of {{ date }}: {{ rows | length }} files</p>\n")
    _, shown = write_page(page(), tmp_path / "out", overrides=tmp_path)
    assert shown.read_text() == "<p>hello of 2026-01-01: 8 files</p>\n"


MARKED = {
    "# One\ntwo\n": "<h3>One</h3>\n<p>two</p>\n",
    "##### Deep": "<h6>Deep</h6>\n",
    "- **a**\n- `b`": "<ul>\n<li><strong>a</strong></li>\n<li><code>b</code></li>\n</ul>\n",
    "[a *b*](https://x.example/?c=1&d=2)": '<p><a href="https://x.example/?c=1&amp;d=2">a <em>b</em></a></p>\n',
    "[a](javascript:alert(1)) [b](//x)": "<p>[a](javascript:alert(1)) [b](//x)</p>\n",
    "![c](https://x.example/y.png)": '<p>!<a href="https://x.example/y.png">c</a></p>\n',
    '<img src=x onerror="y"> &amp;': "<p>&lt;img src=x onerror=&quot;y&quot;&gt; &amp;</p>\n",
    "<script>\nx\n</script>": "<p>&lt;script&gt;\nx\n&lt;/script&gt;</p>\n",
    "": "",
}


@pytest.mark.parametrize("text", MARKED)
def test_notes_become_html(text: str) -> None:
    assert html_of(text) == MARKED[text]


def _pieces() -> Iterator[str]:
    yield from (
        "# ",
        "- ",
        "1. ",
        "> ",
        "```",
        "`",
        "**",
        "*",
        "[a](",
        ")",
        "https://x.example/",
        "javascript:",
        "\n",
        "\n\n",
        "  ",
    )
    yield from ("<b>", "</p>", "&", '"', "'", "a", "\x00", "\x001\x00", "---", "\t", "&lt;", "](", "<https://y>")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*_pieces()]) | st.text(max_size=4), max_size=25).map("".join))
def test_whatever_notes_say_only_harmless_html_comes_of_it(text: str) -> None:
    reader = Reader(html_of(text))
    assert set(reader.tags) <= IN_NOTES
    assert {(tag, name) for tag, name, _ in reader.attributes} <= ATTRIBUTES
    assert all(link.lower().startswith(("https://", "http://", "mailto:")) for link in reader.links if link)
