"""What wixl is given to compile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import sample
from slipway.errors import ConfigError
from slipway.layout import InstallSpec
from slipway.model import InstallRules, Release, Service
from slipway.packagers.entries import Entry
from slipway.packagers.msi.facts import facts_of
from slipway.packagers.msi.service import described
from slipway.packagers.msi.spelling import restored, spelled
from slipway.packagers.msi.tables import tables
from slipway.packagers.msi.wxs import Product, product_of, wxs
from slipway.rules import MsiRules

ROLES = {"bin": "bin", "lib": "lib", "etc": "config", "share": "doc"}
FILES = ("bin/hello-server.exe", "bin/hello.exe", "etc/hello/hello.toml", "lib/hello/a/b/c.txt", "share/doc/hello/README.md")
WIX = "{http://schemas.microsoft.com/wix/2006/wi}"


def product(root: Path, *paths: str, scope: str = "machine", **changes: Any) -> Product:
    rules = MsiRules(services=changes.pop("take", "all"))
    made = sample.release(root, project=sample.project(root / "project", msi=rules, **changes))
    cell = sample.cell(made, "windows-amd64-complete")
    entries = [Entry(path=path, mode=0o644, role=ROLES[path.partition("/")[0]]) for path in paths or FILES]
    return product_of(facts_of(made, cell, scope), InstallSpec.of(made, cell), entries)


def parsed(made: Product, root: Path) -> ET.Element:
    return ET.fromstring(restored(wxs(made, root)))


def attributes(tree: ET.Element, name: str) -> list[Mapping[str, str]]:
    return [found.attrib for found in tree.iter(WIX + name)]


def test_every_file_is_the_key_of_a_component_in_its_folder(tmp_path: Path) -> None:
    tree = parsed(product(tmp_path), tmp_path)
    names = {each["Id"]: each["Name"].rpartition("|")[2] for each in attributes(tree, "Directory") if "Name" in each}
    parents = {
        each.attrib["Id"]: ref.attrib["Id"]
        for kind in ("DirectoryRef", "Directory")
        for ref in tree.iter(WIX + kind)
        for each in ref.findall(f"{WIX}Directory")
    }
    found = set()
    for ref in tree.iter(f"{WIX}DirectoryRef"):
        for file in ref.iter(f"{WIX}File"):
            parts, folder = [file.attrib["Name"].rpartition("|")[2]], ref.attrib["Id"]
            while folder != "INSTALLDIR":
                parts.append(names[folder])
                folder = parents[folder]
            found.add("/".join(reversed(parts)))
    assert found == set(FILES)
    assert parents["INSTALLDIR"] == "ProgramFiles64Folder"
    shown = {each["Id"] for each in attributes(tree, "ComponentRef")}
    assert shown == {each["Id"] for each in attributes(tree, "Component")}


def test_a_users_package_needs_no_administrator(tmp_path: Path) -> None:
    tree = parsed(product(tmp_path, scope="user"), tmp_path)
    assert attributes(tree, "Package")[0]["InstallScope"] == "perUser"
    assert not attributes(tree, "ServiceInstall")
    folders = {each["Id"] for each in attributes(tree, "Directory")}
    assert "LocalAppDataFolder" in folders
    assert not folders & {"ProgramFiles64Folder", "CommonAppDataFolder"}


def test_texts_of_all_kinds_come_through(tmp_path: Path) -> None:
    summary = '<Grüßt> "alle" & $(env.HOME)\'s ^e4; 日本 [x]'
    made = product(tmp_path, summary=summary, services=())
    text = wxs(made, tmp_path)
    outside = text.partition("<Package")[0] + text.partition("<Package")[2].partition("/>")[2]
    assert outside.isascii()
    assert "$" not in text.replace("$(var.dollar)", "")
    assert attributes(parsed(made, tmp_path), "Feature")[0]["Description"] == summary
    assert restored(spelled(summary)) == summary


def test_properties_of_the_list_of_programs(tmp_path: Path) -> None:
    found = {each["Id"]: each["Value"] for each in attributes(parsed(product(tmp_path, homepage=""), tmp_path), "Property")}
    assert found["ARPCOMMENTS"] == "Greet whoever asks. Version 1.2.3."
    assert found["ARPCONTACT"] == "Hello Makers <makers@hello.example>"
    assert not found.keys() & {"ARPURLINFOABOUT", "ARPHELPLINK", "ARPPRODUCTICON"}


def described_service(root: Path, **changes: Any) -> Mapping[str, Any]:
    made: Release = sample.release(root)
    service = replace(made.project.services[0], **changes)
    spec = replace(InstallSpec.of(made, sample.cell(made, "windows-amd64-complete")), services=(service,))
    return described(spec, service, "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--config", "{config}/hello.toml"), r'--config "[INSTALLDIR]etc\hello\hello.toml"'),
        (("--state={state}",), '"--state=[CommonAppDataFolder]hello"'),
        (("{share}/",), r'"[INSTALLDIR]share\\"'),
        (("{lib}/a/b c/d",), r'"[INSTALLDIR]lib\a\b c/d"'),
        (("a b", ""), '"a b" ""'),
        (('say "hi"',), r'"say \"hi\""'),
        (("a\\b", "c d\\"), r'a\b "c d\\"'),
        (("[HOME] {x}",), r'"[\[]HOME[\]] [\{]x[\}]"'),
        (("http://localhost:80/",), "http://localhost:80/"),
    ],
)
def test_arguments_of_services(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    assert described_service(tmp_path, arguments=arguments)["arguments"] == expected


def test_variables_of_services(tmp_path: Path) -> None:
    found = described_service(tmp_path, environment={"B": "{state}/x", "A": "1;2"})
    assert found["environment"] == r"[~]A=1;2[~]B=[CommonAppDataFolder]hello\x[~]"
    assert described_service(tmp_path, environment={})["environment"] == ""


def test_a_service_waits_only_for_services_of_the_same_package(tmp_path: Path) -> None:
    services = tuple(
        Service(name=name, binary="hello-server", summary="Serves", after=after)
        for name, after in (("one", ("network-online.target",)), ("two", ("one",)))
    )
    tree = parsed(product(tmp_path, services=services), tmp_path)
    assert [each["Id"] for each in attributes(tree, "ServiceDependency")] == ["one"]
    assert [each["Name"] for each in attributes(tree, "ServiceInstall")] == ["one", "two"]


def test_a_service_that_is_only_offered_is_not_started(tmp_path: Path) -> None:
    services = (Service(name="one", binary="hello-server", summary="Serves", enable=False, state=False),)
    tree = parsed(product(tmp_path, services=services), tmp_path)
    assert attributes(tree, "ServiceInstall")[0]["Start"] == "demand"
    assert "Start" not in attributes(tree, "ServiceControl")[0]
    assert "STATEDIR" not in {each["Id"] for each in attributes(tree, "Directory")}


def test_a_service_without_its_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"service\.hello-server"):
        product(tmp_path, "bin/hello.exe")


@pytest.mark.parametrize("take", ["able", "none"])
def test_a_program_that_is_none_for_a_service_is_left_out(take: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made = product(tmp_path, take=take)
    assert not attributes(parsed(made, tmp_path), "ServiceInstall")
    assert made.kept == ()
    assert ("never calls StartServiceCtrlDispatcher" in capfd.readouterr().err) == (take == "able")


def rows(made: Product, table: str) -> list[list[str]]:
    return [line.split("\t") for line in tables(made)[f"{table}.idt"].decode().split("\r\n")[3:-1]]


def test_configuration_outlives_upgrades_and_removal(tmp_path: Path) -> None:
    kept = {row[0].split(".")[1] for row in rows(product(tmp_path), "Component") if int(row[3]) & 0x90 == 0x90}
    assert kept == {"etc_hello_hello"}


@pytest.mark.parametrize(("scope", "name"), [("machine", "=-*PATH"), ("user", "=-PATH")])
def test_programs_come_behind_what_path_holds(tmp_path: Path, scope: str, name: str) -> None:
    ((_, said, value, _),) = rows(product(tmp_path, scope=scope), "Environment")
    assert (said, value) == (name, "[~];[INSTALLDIR]bin")


def test_a_package_without_programs_leaves_path_alone(tmp_path: Path) -> None:
    made = product(tmp_path, "lib/x", services=())
    assert "Environment.idt" not in tables(made)
    assert "WriteEnvironmentStrings" not in wxs(made, tmp_path)


def test_a_release_takes_the_place_of_all_up_to_its_own_number(tmp_path: Path) -> None:
    older, newer = rows(product(tmp_path), "Upgrade")
    assert (older[1:3], older[4], older[6]) == (["0.0.0", "1.2.3"], str(0x100 | 0x200), "OLDERFOUND")
    assert (newer[1:3], newer[4], newer[6]) == (["1.2.3", ""], str(0x2), "NEWERFOUND")


@pytest.mark.parametrize(
    ("keys", "made"),
    [
        ({}, ["STATEDIR"]),
        ({"logs": True}, ["STATEDIR", "LOGSDIR"]),
        ({"state": False, "logs": True}, ["LOGSDIR"]),
        ({"state": False}, []),
    ],
)
def test_folders_of_state_and_logs_are_made_where_services_need_them(tmp_path: Path, keys: Any, made: list[str]) -> None:
    found = product(tmp_path, services=(Service(name="one", binary="hello-server", summary="Serves", **keys),))
    assert [each["directory"] for each in found.kept] == made
    assert all(f"{name}\tc.{name[:-3].lower()}\r\n".encode() in tables(found)["CreateFolder.idt"] for name in made)


def test_what_runs_on_a_schedule_is_left_out_with_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = product(tmp_path, services=(Service(name="sweeper", binary="hello-server", summary="Sweeps", schedule="daily"),))
    assert attributes(parsed(found, tmp_path), "ServiceInstall") == []
    assert "leaves the service sweeper out" in " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize(
    ("scope", "impersonate", "state"), [("machine", "no", "CommonAppDataFolder"), ("user", None, "LocalAppDataFolder")]
)
def test_the_first_configuration_ends_a_first_installation(
    tmp_path: Path, scope: str, impersonate: str | None, state: str
) -> None:
    install = InstallRules(configure=("hello", "init", "{config}/a b.toml", "{state}"))
    tree = parsed(product(tmp_path, scope=scope, install=install), tmp_path)
    (action,), (custom,) = attributes(tree, "CustomAction"), [*tree.iter(f"{WIX}Custom")]
    assert action["ExeCommand"] == rf'init "[INSTALLDIR]etc\hello\a b.toml" "[{state}]hello"'
    assert (action["Execute"], action["Return"], action.get("Impersonate")) == ("deferred", "ignore", impersonate)
    files = {each["Id"]: each["Name"].rpartition("|")[2] for each in attributes(tree, "File")}
    assert files[action["FileKey"]] == "hello.exe"
    assert custom.text == "NOT Installed AND NOT OLDERFOUND"


def test_a_distribution_without_the_program_is_not_configured(tmp_path: Path) -> None:
    found = product(tmp_path, "bin/hello-server.exe", services=(), install=InstallRules(configure=("hello", "init")))
    assert attributes(parsed(found, tmp_path), "CustomAction") == []
