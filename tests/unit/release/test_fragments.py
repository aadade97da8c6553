"""Notes on coming changes: both layouts, their mistakes, and what gathering makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import ConfigError, GateError
from slipway.release.fragments import Edition, apply, chapter_in, gather, read_fragments, write_fragments
from slipway.rules import FragmentRules

REPOSITORY = Path(__file__).parents[3]
LIX = FragmentRules(
    folder="doc/rl-next",
    layout="front-matter",
    categories={name: name for name in ("Breaking Changes", "Features", "Improvements", "Fixes")},
    authors="doc/change-authors.yml",
    references={
        "#": "https://github.com/NixOS/nix/issues/{}",
        "fj#": "https://git.example.org/issues/{}",
        "cl/": "https://cl.example.org/{}",
    },
    notes="doc/notes/rl-{major}.md",
    heading="# {name} {major}{codename} ({date})",
    chapter="# {name} {version} ({date})",
    index="doc/SUMMARY.md",
    index_marker="<!-- RELEASE NOTES -->",
    index_line="- [{name} {major}{codename} ({date})]({file})",
)
EDITION = Edition("Lix", "2.93.0", "2025-05-06", codename="Bici Bici")
AUTHORS = """\
# who is who
horrors:
  display_name: eldritch horrors
  forgejo: https://git.example.org/pennae
ada:
  github: ada
"""


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def lix(root: Path, **notes: str) -> Path:
    files = {f"doc/rl-next/{name.replace('_', '-')}.md": text for name, text in notes.items()}
    return written(root, {"doc/change-authors.yml": AUTHORS, **files})


@pytest.mark.req("S1-4")
def test_notes_with_front_matter(tmp_path: Path) -> None:
    root = lix(
        tmp_path,
        a_fix=(
            '---\nsynopsis: "Mend: the `thing`"  # a comment\nissues: [12, fj#34]\ncls: 1864\n'
            "category: Fixes\ncredits: horrors\n---\n\nIt was broken.\n\nNow it is not.\n"
        ),
        z_big=(
            "---\nsynopsis: A big change\nprs:\n- 7\n- 8\nsignificance: significant\n"
            "category: Fixes\ncredits:\n  - ada\n  - horrors\n---\n"
        ),
        toml_one='+++\nsynopsis = "Written in TOML"\ncategory = "Features"\n+++\nText.\n',
    )
    (root / "doc" / "rl-next" / "README.md").write_text("how to write notes")
    fragments = read_fragments(root, LIX)
    assert [fragment.file.stem for fragment in fragments] == ["z-big", "a-fix", "toml-one"]
    assert write_fragments(fragments, LIX) == (
        "## Features\n\n- Written in TOML\n\n  Text.\n\n\n"
        "## Fixes\n\n"
        "- A big change [#7](https://github.com/NixOS/nix/issues/7) [#8](https://github.com/NixOS/nix/issues/8)\n\n"
        "  Many thanks to [ada](https://github.com/ada) and [eldritch horrors](https://git.example.org/pennae) for this.\n\n"
        "- Mend: the `thing` [#12](https://github.com/NixOS/nix/issues/12) [fj#34](https://git.example.org/issues/34) "
        "[cl/1864](https://cl.example.org/1864)\n\n"
        "  It was broken.\n\n  Now it is not.\n\n"
        "  Many thanks to [eldritch horrors](https://git.example.org/pennae) for this."
    )


@pytest.mark.req("S1-4")
@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("---\nsynopsis: a\ncategory: Fixes\ncolour: red\n---\n", 4, "unknown key"),
        ("---\nsynopsis: a\ncategory: Fixes\nsynopsys: b\n---\n", 4, "did you mean synopsis"),
        ("---\ncategory: Fixes\n---\n", 1, "synopsis is missing"),
        ("---\nsynopsis: ''\ncategory: Fixes\n---\n", 1, "synopsis is missing"),
        ("---\nsynopsis: a\ncategory: Fixings\n---\n", 3, "did you mean Fixes"),
        ("---\nsynopsis: a\n---\n", 1, "category is missing"),
        ("---\nsynopsis: a\ncategory: Fixes\nsignificance: huge\n---\n", 4, "significant"),
        ("---\nsynopsis: a\ncategory: Fixes\ncredits: [ada, eve]\n---\n", 4, "'eve'"),
        ("synopsis: a\n", 1, "first line is not ---"),
        ("---\nsynopsis: a\n", 1, "not closed"),
        ("---\nsynopsis: a\nsynopsis: b\n---\n", 3, "twice"),
        ("---\nsynopsis: a: b\n---\n", 2, "not understood"),
        ("---\nsynopsis: |\n  a\n---\n", 3, "goes on in the next line"),
        ("---\nsynopsis: &x a\n---\n", 2, "not understood"),
        ("---\nsynopsis: a\nissues: [1\n---\n", 3, "not closed by ]"),
        ("---\n  synopsis: a\n---\n", 2, "further in"),
        ("---\nsynopsis\n---\n", 2, "not key: value"),
        ("+++\nsynopsis = \n+++\n", 2, "not TOML"),
    ],
)
def test_a_mistake_in_a_note_is_told_with_its_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_fragments(lix(tmp_path, wrong=text), LIX)
    assert f"wrong.md:{line}:" in caught.value.message
    assert says in f"{caught.value.message} {caught.value.hint}"


def test_notes_with_the_category_in_their_name(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "changes/b.added.md": "A new thing\nover two lines.\n",
            "changes/a.fixed.md": "Mended.\n",
            "changes/c.1.added.md": "Another.\n",
        },
    )
    fragments = read_fragments(root, FragmentRules())
    assert (
        write_fragments(fragments, FragmentRules())
        == "## Added\n\n- A new thing\n  over two lines.\n- Another.\n\n## Fixed\n\n- Mended."
    )
    assert read_fragments(tmp_path / "changes", FragmentRules()) == ()
    for name, text in {"x.md": "no category", "x.odd.md": "unknown", "x.added.md": " \n"}.items():
        (tmp_path / "changes" / name).write_text(text)
        with pytest.raises(ConfigError, match=rf"{name}"):
            read_fragments(root, FragmentRules())
        (tmp_path / "changes" / name).unlink()


def test_a_folder_that_is_not_there_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gather(tmp_path, LIX, EDITION) is None
    assert "doc/rl-next" in capsys.readouterr().err


@pytest.mark.req("S1-4")
def test_gathering(tmp_path: Path) -> None:
    root = lix(tmp_path, one="---\nsynopsis: One\ncategory: Features\n---\nMore.\n")
    summary = root / "doc" / "SUMMARY.md"
    summary.write_text("# Summary\n\n- [Notes](notes.md)\n  <!-- RELEASE NOTES -->\n  - [Lix 2.92](notes/rl-2.92.md)\n")
    gathered = gather(root, LIX, EDITION)
    assert gathered is not None
    assert not (root / "doc" / "notes").exists()
    assert (root / "doc" / "rl-next" / "one.md").exists()
    apply(gathered.changes)
    notes = root / "doc" / "notes" / "rl-2.93.md"
    first = '# Lix 2.93 "Bici Bici" (2025-05-06)\n\n# Lix 2.93.0 (2025-05-06)\n\n## Features\n\n- One\n\n  More.\n'
    assert notes.read_text() == first
    assert summary.read_text() == (
        "# Summary\n\n- [Notes](notes.md)\n  <!-- RELEASE NOTES -->\n"
        '  - [Lix 2.93 "Bici Bici" (2025-05-06)](notes/rl-2.93.md)\n  - [Lix 2.92](notes/rl-2.92.md)\n'
    )
    assert list((root / "doc" / "rl-next").iterdir()) == []

    lix(tmp_path, two="---\nsynopsis: Two\ncategory: Fixes\n---\n")
    again = Edition("Lix", "2.93.1", "2025-06-17", codename="Bici Bici")
    gathered = gather(root, LIX, again)
    assert gathered is not None
    apply(gathered.changes)
    head, _, rest = first.partition("# Lix 2.93.0")
    assert notes.read_text() == f"{head}# Lix 2.93.1 (2025-06-17)\n\n## Fixes\n\n- Two\n\n# Lix 2.93.0{rest}"
    assert summary.read_text().count("2.93") == 2
    assert chapter_in(notes.read_text(), again, LIX) == "## Fixes\n\n- Two"
    assert chapter_in(notes.read_text(), EDITION, LIX) == "## Features\n\n- One\n\n  More."
    assert chapter_in(notes.read_text(), Edition("Lix", "2.93", "x"), LIX) is None

    lix(tmp_path, three="---\nsynopsis: Three\ncategory: Fixes\n---\n")
    with pytest.raises(GateError, match=r"chapter on 2\.93\.1 already"):
        gather(root, LIX, again)


def test_an_index_without_its_marker(tmp_path: Path) -> None:
    root = lix(tmp_path, one="---\nsynopsis: One\ncategory: Features\n---\n")
    (root / "doc" / "SUMMARY.md").write_text("# Summary\n")
    with pytest.raises(ConfigError, match="RELEASE NOTES"):
        gather(root, LIX, EDITION)


def test_slipway_s_own_notes_can_be_gathered() -> None:
    edition = Edition("slipway", "1.0.0", "2026-12-01")
    gathered = gather(REPOSITORY, FragmentRules(), edition)
    assert gathered is not None
    text = gathered.changes[0].text or ""
    assert text.startswith("# Changes\n")
    assert "\n## slipway 1.0.0 (2026-12-01)\n\n### Added\n\n- " in text
    fragments = {path for path in (REPOSITORY / "changes").iterdir() if path.suffix == ".md"}
    assert {change.path for change in gathered.changes if change.text is None} == fragments
