"""macOS packages, read with Python alone: members, definition, files, scripts."""

from __future__ import annotations

import gzip
import pickle
import plistlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import sample
from slipway.binaries import Binary
from slipway.contents import Contents
from slipway.errors import ConfigError, SlipwayError, VerificationError
from slipway.flow import TARGETS, Flow
from slipway.manifest import Built, load_record, record_built
from slipway.model import Release, Service
from slipway.packagers import planned_names
from slipway.packagers.pkg import plan_pkgs
from slipway.platforms import PLATFORMS
from slipway.request import Request
from slipway.rules import PkgRules
from slipway.steps import unique
from slipway.verify.odc import Packed, packed_in
from slipway.verify.xar import Stretch, data_of, members_of
from slipway.version import Version

StageTree = Callable[..., Contents]
MACS = ("macos-amd64", "macos-arm64")


@dataclass(frozen=True)
class Pkg:
    """A package taken apart: payloads and scripts by processor."""

    path: Path
    definition: ET.Element
    texts: dict[str, bytes]
    payloads: dict[str, dict[str, Packed]]
    scripts: dict[str, dict[str, Packed]]
    infos: dict[str, ET.Element]

    @classmethod
    def read(cls, path: Path) -> Pkg:
        members = members_of(path)

        def archive(name: str) -> dict[str, Packed]:
            with path.open("rb") as file:
                return {each.path: each for each in packed_in(Stretch(file, members[name]))}  # type: ignore[arg-type]

        folders = {name.partition("/")[0] for name in members if name.endswith("/Bom")}
        named = {folder.removesuffix(".pkg").rpartition("-")[2]: folder for folder in folders}
        return cls(
            path,
            ET.fromstring(data_of(path, members["Distribution"])),
            {name: data_of(path, each) for name, each in members.items() if name.startswith("Resources/")},
            {key: archive(f"{folder}/Payload") for key, folder in named.items()},
            {key: archive(f"{folder}/Scripts") for key, folder in named.items()},
            {key: ET.fromstring(data_of(path, members[f"{folder}/PackageInfo"])) for key, folder in named.items()},
        )

    def option(self, name: str) -> str | None:
        options = self.definition.find("options")
        assert options is not None
        return options.get(name)


def macs(root: Path, *platforms: str, **changes: Any) -> Release:
    rows = tuple(PLATFORMS[name] for name in platforms or MACS)
    version = changes.pop("version", Version("1.2.3"))
    made = sample.release(root, project=sample.project(root / "project", platforms=rows, **changes), version=version)
    for cell in made.cells:
        sample.stage(made, cell)
    return made


def pack(made: Release, key: str = "macos-arm64-complete") -> Pkg:
    step = next(step for step in plan_pkgs(made) if step.key == f"{key}.pkg")
    step.run()
    return Pkg.read(step.outputs[0])


BOTH = "macos-amd64-complete+macos-arm64-complete"


@pytest.mark.req("S0-5", "S0-50", "S0-54")
@pytest.mark.parametrize(
    ("platforms", "names"),
    [
        (("macos-amd64",), ("macos-amd64",)),
        (("macos-amd64", "macos-arm64"), ("macos-amd64", "macos-arm64", "macos")),
        (("macos-amd64", "macos-arm64", "macos-universal"), ("macos-amd64", "macos-arm64", "macos-universal")),
        (("linux-amd64", "windows-amd64", "freebsd-amd64"), ()),
    ],
)
def test_every_mac_gets_a_package_and_both_together_one_more(
    tmp_path: Path, platforms: tuple[str, ...], names: tuple[str, ...]
) -> None:
    made = macs(tmp_path, *platforms)
    steps = unique(plan_pkgs(made))
    wanted = {f"hello-1.2.3-{name}-{variant}.pkg" for name in names for variant in ("complete", "minimal")}
    assert {step.outputs[0].relative_to(made.paths.packages / "binaries").name for step in steps} == wanted
    assert set(planned_names(made)["pkg"]) == wanted
    assert pickle.loads(pickle.dumps(steps)) == steps


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (("macos-arm64",), {"macos-arm64-complete.pkg", "macos-arm64-minimal.pkg"}),
        (("macos-amd64",), {"macos-amd64-complete.pkg", "macos-amd64-minimal.pkg"}),
        (("linux-amd64",), set()),
        (
            MACS,
            {f"{name}-{variant}.pkg" for name in MACS for variant in ("complete", "minimal")}
            | {f"macos-amd64-{variant}+macos-arm64-{variant}.pkg" for variant in ("complete", "minimal")},
        ),
    ],
)
def test_the_package_for_both_is_packed_only_when_both_are_asked_for(
    tmp_path: Path, asked: tuple[str, ...], wanted: set[str]
) -> None:
    whole = sample.release(tmp_path)
    made = replace(whole, platforms=tuple(PLATFORMS[name] for name in asked))
    flow = Flow(Request(release=made, rust_target=PLATFORMS["linux-amd64"], tested=made, levels=("basic",), prefix=""))
    target = next(each for each in TARGETS if each.name == "package-binaries")
    assert {step.key for step in flow.of(target) if step.key.endswith(".pkg") and "macos" in step.key} == wanted


@pytest.mark.req("S0-50", "S0-54")
def test_files_are_where_a_mac_has_them(tmp_path: Path) -> None:
    payload = pack(macs(tmp_path)).payloads["arm64"]
    assert {path: each.mode & 0o7777 for path, each in payload.items() if each.is_file} == {
        "./Library/LaunchDaemons/example.hello.hello.hello-server.plist": 0o644,
        "./usr/local/bin/hello": 0o755,
        "./usr/local/bin/hello-server": 0o755,
        "./usr/local/lib/hello/greetings.txt": 0o644,
        "./usr/local/share/doc/hello/LICENSE": 0o644,
        "./usr/local/share/doc/hello/README.md": 0o644,
        "./usr/local/share/doc/hello/user/start.md": 0o644,
        "./usr/local/share/hello/default/hello.toml": 0o644,
        "./usr/local/share/hello/uninstall.sh": 0o755,
    }
    assert payload["./usr/local/bin/hello"].data.decode() == sample.FILES["bin/hello"][1]
    assert {each.owner for each in payload.values()} == {"0:0"}
    daemon = plistlib.loads(payload["./Library/LaunchDaemons/example.hello.hello.hello-server.plist"].data)
    assert daemon["ProgramArguments"] == ["/usr/local/bin/hello-server", "--config", "/usr/local/etc/hello/hello.toml"]
    assert daemon["EnvironmentVariables"] == {"HELLO_STATE": "/usr/local/var/lib/hello"}


@pytest.mark.parametrize(
    ("platforms", "key", "hosts", "receipts"),
    [
        (("macos-arm64",), "macos-arm64-complete", "arm64", {"example.hello.hello.arm64"}),
        (("macos-amd64",), "macos-amd64-complete", "x86_64", {"example.hello.hello.x86_64"}),
        (("macos-universal",), "macos-universal-complete", "arm64,x86_64", {"example.hello.hello.universal"}),
        (MACS, BOTH, "arm64,x86_64", {"example.hello.hello.arm64", "example.hello.hello.x86_64"}),
    ],
)
def test_the_definition_says_for_which_processors_it_is(
    tmp_path: Path, platforms: tuple[str, ...], key: str, hosts: str, receipts: set[str]
) -> None:
    found = pack(macs(tmp_path, *platforms), key)
    assert found.option("hostArchitectures") == hosts
    assert {each.get("id") for each in found.definition.findall("choice/pkg-ref")} == receipts
    references = [each for each in found.definition.findall("pkg-ref") if each.text]
    assert {each.get("packageIdentifier") for each in references} == receipts
    assert {each.get("version") for each in references} == {"1.2.3"}
    assert {info.get("identifier") for info in found.infos.values()} == receipts
    assert [each.attrib for each in found.definition.findall("domains")] == [
        {"enable_anywhere": "false", "enable_currentUserHome": "false", "enable_localSystem": "true"}
    ]


def test_installer_takes_the_part_for_the_machine_s_processor(tmp_path: Path) -> None:
    found = pack(macs(tmp_path), BOTH)
    choices = {each.get("id"): each.get("selected") for each in found.definition.findall("choice")}
    assert choices == {"arm64": "isArm()", "x86_64": "!isArm()"}
    assert "hw.optional.arm64" in (found.definition.findtext("script") or "")
    assert found.option("require-scripts") == "true"
    assert pack(macs(tmp_path / "one", "macos-arm64")).option("require-scripts") == "false"


@pytest.mark.parametrize(
    ("platform", "measured", "said", "wanted"),
    [
        ("macos-amd64", "10.15", "10.12", ["10.15"]),
        ("macos-amd64", "", "10.12", ["10.12"]),
        ("macos-amd64", "", "", []),
        ("macos-arm64", "11.0", "", []),  # no Mac with such a processor has an older one
        ("macos-arm64", "12.3", "", ["12.3"]),
    ],
)
def test_the_oldest_macos_is_that_of_the_programs(
    tmp_path: Path, platform: str, measured: str, said: str, wanted: list[str]
) -> None:
    from slipway.model import PlatformSettings

    made = macs(tmp_path, platform, settings={platform: PlatformSettings(macos=said)})
    if measured:
        facts = Binary(format="macho", family="macos", arch="x86-64", kind="program", minimum=measured)
        built = Built(path="bin/hello", platform=platform, component="programs", size=1, sha256="0" * 64, facts=facts)
        record_built(made.facts(PLATFORMS[platform], "programs"), made.base, [built])
    found = pack(made, f"{platform}-complete").definition
    assert [each.get("min") for each in found.iter("os-version")] == wanted


@pytest.mark.parametrize(
    ("homepage", "identifier", "wanted"),
    [
        ("https://hello.example", "", "example.hello.hello"),
        ("https://www.hello.example:8443/docs", "", "example.hello.hello"),
        ("", "", "local.hello"),
        ("https://hello.example", "org.acme.Greeter", "org.acme.Greeter"),
    ],
)
def test_identifiers(tmp_path: Path, homepage: str, identifier: str, wanted: str) -> None:
    found = pack(macs(tmp_path, homepage=homepage, pkg=PkgRules(identifier=identifier)))
    product = found.definition.find("product")
    assert product is not None
    assert product.get("id") == wanted
    assert found.infos["arm64"].get("identifier") == f"{wanted}.arm64"
    assert f"./Library/LaunchDaemons/{wanted}.hello-server.plist" in found.payloads["arm64"]


def test_variants_have_one_receipt_so_that_they_take_each_other_s_place(tmp_path: Path) -> None:
    made = macs(tmp_path)
    complete, minimal = pack(made), pack(made, "macos-arm64-minimal")
    assert complete.infos["arm64"].get("identifier") == minimal.infos["arm64"].get("identifier")
    listed = minimal.scripts["arm64"]["./files"].data.decode().splitlines()
    assert "usr/local/bin/hello" in listed
    assert "usr/local/lib/hello/greetings.txt" not in listed


@pytest.mark.parametrize("version", ["2.0.0-rc.1", "2.0.0+build.5", "0.1.0"])
def test_versions_stay_as_the_maintainer_wrote_them(tmp_path: Path, version: str) -> None:
    found = pack(macs(tmp_path, version=Version(version)))
    assert found.path.name == f"hello-{version}-macos-arm64-complete.pkg"
    assert found.infos["arm64"].get("version") == version


def test_licenses_are_shown_and_pages_of_the_project_s_own(tmp_path: Path) -> None:
    made = macs(tmp_path)
    assert set(pack(made).texts) == {"Resources/license.html"}
    (made.project.root / "LICENSE").write_bytes("Caf\u00e9 <me&you@a.example>\n\f\x00\xff".encode("latin-1"))
    page = made.project.root / "templates/pkg/welcome.html.j2"
    page.parent.mkdir(parents=True)
    page.write_text("<p>{{ name | xml }} {{ version | xml }}</p>")
    found = pack(made)
    assert found.texts["Resources/welcome.html"] == b"<p>hello 1.2.3</p>"
    assert b"&lt;me&amp;you@a.example&gt;" in found.texts["Resources/license.html"]
    assert [each.get("file") for each in found.definition.findall("license")] == ["license.html"]


@pytest.mark.req("S0-50")
def test_the_record_says_what_was_made(tmp_path: Path) -> None:
    made = macs(tmp_path)
    for key, platform in (("macos-arm64-complete", "macos-arm64"), (BOTH, "")):
        step = next(step for step in plan_pkgs(made) if step.key == f"{key}.pkg")
        step.run()
        artifact = load_record(step.outputs[1]).artifact
        assert (artifact.kind, artifact.platform, artifact.variant) == ("pkg", platform, "complete")
        assert made.paths.packages / artifact.path == step.outputs[0]
        assert "libdeflate" in artifact.tools


def test_the_same_bytes_in_another_folder_at_another_time(tmp_path: Path) -> None:
    first, second = macs(tmp_path / "one"), macs(tmp_path / "two/deeper")
    for key in ("macos-arm64-complete", BOTH):
        assert pack(first, key).path.read_bytes() == pack(second, key).path.read_bytes()


def test_what_was_deflated_for_another_package_makes_the_same_bytes(tmp_path: Path, stage_tree: StageTree) -> None:
    made = macs(tmp_path, "macos-arm64", services=())
    stage_tree(made, sample.cell(made, "macos-arm64-complete"), {"bin/big": (0o755, bytes(range(256)) * 4096)})
    first = pack(made)
    assert first.payloads["arm64"]["./usr/local/bin/big"].size == 1 << 20
    assert len(list(made.paths.shelf.iterdir())) == 1
    bytes_then = first.path.read_bytes()
    assert pack(made).path.read_bytes() == bytes_then
    shutil.rmtree(made.paths.shelf)
    assert pack(made).path.read_bytes() == bytes_then


def test_payloads_are_one_member_of_gzip_without_a_name_or_a_time(tmp_path: Path) -> None:
    path = pack(macs(tmp_path)).path
    for name in ("Payload", "Scripts"):
        data = data_of(path, members_of(path)[f"hello-arm64.pkg/{name}"])
        assert data[:10] == b"\x1f\x8b\x08" + bytes(5) + data[8:9] + b"\xff"
        assert gzip.decompress(data).count(b"TRAILER!!!") == 1


def test_modes_and_names_of_all_kinds_survive(tmp_path: Path, stage_tree: StageTree) -> None:
    made = macs(tmp_path, "macos-arm64", services=())
    tree = {
        "bin/two words": (0o755, b"1"),
        'bin/it\'s "quoted" $HOME': (0o4755, b"2"),
        "share/hello/\u00e9\u6c34": (0o1644, b"3"),
        f"lib/hello/{'n' * 250}": (0o600, b""),
        "share/man/man1/hello.1": (0o644, b".TH hello 1\n"),
    }
    stage_tree(made, sample.cell(made, "macos-arm64-complete"), tree)
    payload = pack(made).payloads["arm64"]
    found = {path.removeprefix("./usr/local/"): (each.mode & 0o7777, each.data) for path, each in payload.items() if each.is_file}
    found.pop("share/hello/uninstall.sh")
    assert found == tree


@pytest.mark.parametrize("name", ["line\nbreak", "n" * 256, "/".join(["d" * 200] * 6), "back\\slash"])
def test_names_that_a_mac_cannot_hold_are_refused(tmp_path: Path, name: str) -> None:
    made = macs(tmp_path, "macos-arm64")
    step = plan_pkgs(made)[0]
    contents = Contents.load(made.contents(made.cells[0]))
    bad = replace(contents.files[0], path=f"share/hello/{name}")
    made.contents(made.cells[0]).write_bytes(replace(contents, files=(*contents.files, bad)).dump())
    with pytest.raises(VerificationError) as caught:
        step.run()
    assert caught.value.hint
    assert not step.outputs[0].exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    made = macs(tmp_path, "macos-arm64")
    contents = Contents.load(made.contents(made.cells[0]))
    large = replace(contents.files[0], size=8**11)
    made.contents(made.cells[0]).write_bytes(replace(contents, files=(large, *contents.files[1:])).dump())
    step = plan_pkgs(made)[0]
    with pytest.raises(SlipwayError, match="8 GiB"):
        step.run()
    assert list(step.outputs[0].parent.iterdir()) == []


def test_a_distribution_without_files_has_a_package_that_can_be_removed(tmp_path: Path, stage_tree: StageTree) -> None:
    made = macs(tmp_path, "macos-arm64", services=())
    stage_tree(made, sample.cell(made, "macos-arm64-complete"), {})
    payload = pack(made).payloads["arm64"]
    assert [path for path, each in payload.items() if each.is_file] == ["./usr/local/share/hello/uninstall.sh"]


def test_a_changed_file_leaves_nothing_behind(tmp_path: Path) -> None:
    made = macs(tmp_path)
    step = next(step for step in plan_pkgs(made) if step.key == f"{BOTH}.pkg")
    (made.staged(sample.cell(made, "macos-arm64-complete")) / "bin/hello").write_text("other")
    with pytest.raises(VerificationError, match="has changed"):
        step.run()
    assert list(step.outputs[0].parent.iterdir()) == []


def test_a_file_at_the_uninstaller_s_place_is_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    made = macs(tmp_path, "macos-arm64", services=())
    stage_tree(made, sample.cell(made, "macos-arm64-complete"), {"share/hello/uninstall.sh": (0o755, b"mine")})
    with pytest.raises(ConfigError, match=r"uninstall\.sh"):
        pack(made)


def test_services_run_as_a_user_that_the_package_makes(tmp_path: Path) -> None:
    services = (
        Service(name="one", binary="hello", summary="One"),
        Service(name="two", binary="hello", summary="Two", user="root", enable=False),
    )
    found = pack(macs(tmp_path, services=services))
    script = found.scripts["arm64"]["./postinstall"].data.decode()
    assert "make_user '_hello'" in script
    assert "make_user 'root'" not in script
    assert "start 'example.hello.hello.one' on" in script
    assert "start 'example.hello.hello.two' off" in script
    assert "for user in '_hello' 'root'; do" in script
    assert "make_folder '/usr/local/var/lib/hello' root:wheel 755" in script
    without = pack(macs(tmp_path / "without", services=())).scripts["arm64"]["./postinstall"].data.decode()
    assert "launchctl" not in without


def test_a_project_s_own_template_wins(tmp_path: Path) -> None:
    made = macs(tmp_path)
    own = made.project.root / "templates/pkg/postinstall.j2"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\necho {{ name }}\n")
    assert pack(made).scripts["arm64"]["./postinstall"].data == b"#!/bin/sh\necho hello\n"
    assert own in next(iter(plan_pkgs(made))).inputs
    shutil.rmtree(own.parent)
