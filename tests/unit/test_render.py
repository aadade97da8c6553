from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import SlipwayError
from slipway.render import heredoc, render, sh, sources, xml

SPEAKABLE = st.text(st.characters(exclude_characters="\0", codec="utf-8"))


def template(root: Path, text: str, name: str = "templates/own/text.j2") -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return name


@dataclass(frozen=True)
class Thing:
    name: str
    path: Path


def test_templates_see_plain_data(tmp_path: Path) -> None:
    name = template(tmp_path, "{% for thing in things %}\n{{ thing.name }} {{ thing.path }}\n{% endfor %}\n")
    things = (Thing("a", Path("/x")), Thing("b", Path("/y")))
    assert render(name, overrides=tmp_path, things=things) == "a /x\nb /y\n"


def test_a_context_may_hold_any_name(tmp_path: Path) -> None:
    assert render(template(tmp_path, "{{ name }}"), overrides=tmp_path, name="x") == "x"


def test_a_project_overrides_one_file_and_keeps_the_others(tmp_path: Path) -> None:
    template(tmp_path, "# ours\n", "installers/unix/_usage.sh.j2")
    name = template(tmp_path, '{% include "installers/unix/_usage.sh.j2" %}{% include "installers/unix/_systemctl.sh.j2" %}')
    text = render(name, overrides=tmp_path)
    assert text.startswith("# ours\n")
    assert "ctl()" in text


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a\nb {{ nothing }}\n", 2, "nothing"),
        ("a\n\n{% if %}\n", 3, "Expected an expression"),
        ("{{ 1 / 0 }}\n", 1, "division"),
        ("\n{% for x in 3 %}{% endfor %}", 2, "not iterable"),
    ],
)
def test_a_fault_names_the_template_and_the_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    name = template(tmp_path, text)
    with pytest.raises(SlipwayError, match=said) as caught:
        render(name, overrides=tmp_path)
    assert f"{tmp_path / name}:{line}: " in str(caught.value)


@pytest.mark.parametrize("name", ["templates/no/such.j2", "elsewhere/x.j2", "no.j2"])
def test_a_missing_template_is_named(name: str) -> None:
    with pytest.raises(SlipwayError, match=name):
        render(name)


@given(SPEAKABLE)
def test_sh_makes_one_word_of_anything(text: str) -> None:
    done = subprocess.run(["sh", "-c", f"printf %s {sh(text)}"], capture_output=True, check=True)
    assert done.stdout == text.encode()


# dash loses a byte of a line that begins with a part of the end mark and goes on beyond ASCII.
@given(SPEAKABLE.filter(lambda text: not re.search(r"^[\x1a]", text, re.MULTILINE)))
def test_heredoc_keeps_every_letter(text: str) -> None:
    done = subprocess.run(["sh", "-c", f"cat <<\x1aEND\n{heredoc(text)}\n\x1aEND\n"], capture_output=True, check=True)
    assert done.stdout == text.encode() + b"\n"


@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn", "Co"))))
def test_xml_comes_back_from_a_reader(text: str) -> None:
    read = ET.fromstring(f'<a b="{xml(text)}">{xml(text)}</a>')
    assert (read.text or "", read.get("b")) == (text, text)


def test_sources_are_every_template_of_a_folder_and_the_projects_own(tmp_path: Path) -> None:
    template(tmp_path, "", "installers/unix/_say.sh.j2")
    found = sources("installers/unix", overrides=tmp_path)
    assert tmp_path / "installers/unix/_say.sh.j2" in found
    assert {path.name for path in found} >= {"install.sh.j2", "uninstall.sh.j2", "_plan.sh.j2"}
    assert len([path for path in found if path.name == "_say.sh.j2"]) == 2


def test_jinja_is_imported_only_when_something_is_rendered() -> None:
    code = "import sys, slipway.installers, slipway.services.systemd; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
