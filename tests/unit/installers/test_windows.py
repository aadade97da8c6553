from __future__ import annotations

import hashlib
import json
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import installer_lab
import pytest
from golden_files import assert_golden
from powershell_reader import Script, below, read, text_of

import sample
from slipway.contents import Contents, File
from slipway.errors import ConfigError, VerificationError
from slipway.installers import options
from slipway.installers.origin import origin_of
from slipway.installers.windows import plan_windows_installers, windows_script_names, windows_source_of
from slipway.installers.windows_texts import windows_install_script, windows_uninstall_script
from slipway.layout import PLACES, Folders
from slipway.manifest import load_record
from slipway.model import Cell, InstallRules, PlatformSettings, Release, Service
from slipway.platforms import PLATFORMS
from slipway.rules import MsiRules, SignRules

WINDOWS = (PLATFORMS["windows-amd64"],)
FRAGMENTS = Path(__file__).parents[3] / "installers" / "windows"
DAEMON = Service(
    name="hello-server",
    binary="hello-server",
    summary="Greets over the network",
    arguments=("--config", "{config}/hello.toml", "--title", 'a "b" c'),
    environment={"HELLO_STATE": "{state}"},
)
SERVICES = (DAEMON, replace(DAEMON, name="hello-tidy", schedule="daily", environment={}))

# The cmdlets of Windows PowerShell 5.1 that the scripts may use, with the parameters that they may use.
CMDLETS = {
    "Add-Content": "literalpath value",
    "Add-Type": "assemblyname",
    "ConvertFrom-Json": "inputobject",
    "ConvertTo-Json": "inputobject depth",
    "ForEach-Object": "begin process end",
    "Get-AuthenticodeSignature": "literalpath",
    "Get-CimInstance": "classname filter",
    "Get-Command": "name commandtype erroraction",
    "Get-Item": "literalpath",
    "Get-ItemProperty": "literalpath name erroraction",
    "Get-Process": "id",
    "Get-ScheduledTask": "taskname taskpath erroraction",
    "Get-Service": "name",
    "Invoke-CimMethod": "inputobject methodname arguments",
    "New-Item": "path force",
    "New-ItemProperty": "literalpath name value propertytype force",
    "New-Object": "argumentlist",
    "New-Service": "",
    "Read-Host": "",
    "Register-ScheduledTask": "taskname taskpath xml force",
    "Remove-Item": "literalpath recurse force erroraction",
    "Restart-Service": "name force",
    "Select-Object": "first skip unique",
    "Set-ItemProperty": "literalpath name value",
    "Set-StrictMode": "version",
    "Sort-Object": "property descending unique",
    "Start-Process": "filepath argumentlist verb wait passthru",
    "Start-Service": "name",
    "Start-Sleep": "milliseconds seconds",
    "Stop-Service": "name force erroraction",
    "Test-Path": "literalpath",
    "Unregister-ScheduledTask": "taskname taskpath confirm",
    "Where-Object": "",
    "Write-Information": "informationaction",
    "Write-Output": "",
    "Write-Warning": "warningaction",
}
# What functions look up that the script around them sets.
TABLES = {"facts", "codes", "run", "want", "place", "table", "uninstaller", "asked", "rest"}
VERBS = {
    *("Add", "Assert", "Clear", "Compare", "Complete", "Confirm", "ConvertTo", "Enter", "Exit", "Expand", "Find"),
    *("Get", "Install", "Invoke", "Move", "New", "Open", "Read", "Receive", "Register", "Remove", "Restart"),
    *("Restore", "Save", "Select", "Send", "Show", "Stop", "Test", "Undo", "Uninstall", "Use", "Write"),
}


def staged(root: Path, files: dict[str, tuple[int, str] | None] | None = None, **changes: Any) -> Release:
    """A release for Windows whose distributions are staged and have records of archives that do not exist."""
    release = sample.release(root, project=sample.project(root / "project", **{"platforms": WINDOWS, **changes}))
    with installer_lab.files_of(files or {}):
        for cell in release.cells:
            put(release, cell)
    return release


def put(release: Release, cell: Cell) -> None:
    sample.stage(release, cell)
    name = f"{release.name_of(cell)}.zip"
    installer_lab.put_record(release, cell, name, size=1000, sha256=hashlib.sha256(name.encode()).hexdigest())


def script_of(release: Release) -> str:
    found = [windows_source_of(release, cell) for cell in release.cells]
    return windows_install_script(found, origin_of(release), release.project.root)


def facts_of(text: str) -> dict[str, Any]:
    found = re.search(r"^\$Facts = ConvertFrom-Json -InputObject @'\n(.*?)\n'@$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    facts: dict[str, Any] = json.loads(found[1])
    return facts


CASES: dict[str, dict[str, Any]] = {
    "usual": {},
    "from the web": {
        "install": InstallRules(
            health=("hello", "--version"),
            configure=("hello", "setup", "{config}"),
            download_url="https://hello.example/{tag}/{file}",
            mirrors=("https://mirror.example",),
            signature="auto",
        ),
        "sign": SignRules(minisign="RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"),
    },
    "no services": {"services": ()},
    "tasks and trusted services": {
        "services": SERVICES,
        "msi": MsiRules(services="all", service_account="NT AUTHORITY\\LocalService"),
    },
    "odd words": {
        "name": "9lives",
        "summary": "It's \"odd\": $(exit) `n {{ x }} '@ \u00e9\n'@",
        "maintainer": "O'Hara <o@hara.example>",
    },
}


def both(release: Release) -> list[Script]:
    return [read(script_of(release)), read(windows_uninstall_script(release.project.name, release.project.root))]


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(" ", "-"))
def scripts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Script]:
    return both(staged(tmp_path_factory.mktemp("case"), **CASES[request.param]))


def test_the_scripts_are_made_under_their_names_and_have_records(tmp_path: Path) -> None:
    release = staged(tmp_path, checksums=("sha256", "md5"))
    steps = plan_windows_installers(release)
    assert [step.name for step in steps] == ["create-installers:install.ps1", "create-installers:uninstall-hello.ps1"]
    for step in steps:
        assert pickle.loads(pickle.dumps(step)) == step
        step.run()
        assert all(path.is_file() for path in step.outputs)
    folder = release.paths.installers
    assert {path.name for path in folder.iterdir()} == set(windows_script_names(release))
    assert (folder / "install.ps1").read_bytes() == (folder / "install-hello-1.2.3.ps1").read_bytes()
    made = load_record(release.paths.state / "artifacts" / "install.ps1.json").artifact
    assert (made.kind, made.path, made.size) == ("installer", "installers/install.ps1", (folder / "install.ps1").stat().st_size)
    assert set(made.digests) == {"sha256", "md5"}


def test_the_scripts_as_they_are(tmp_path: Path) -> None:
    for step in plan_windows_installers(release := staged(tmp_path, **CASES["from the web"])):
        step.run()
    assert_golden("install.ps1", (release.paths.installers / "install.ps1").read_text())
    assert_golden("uninstall.ps1", (release.paths.installers / "uninstall-hello.ps1").read_text())


def test_steps_depend_on_what_decides_the_text(tmp_path: Path) -> None:
    release = staged(tmp_path)
    install = plan_windows_installers(release)[0]
    names = {path.name for path in install.inputs}
    assert {"install.ps1.j2", "_plan.ps1.j2", "uninstall.ps1.j2", "hello-1.2.3-windows-amd64-complete.contents.json"} <= names
    assert "hello-1.2.3-windows-amd64-minimal.zip.json" in names
    other = replace(release, project=replace(release.project, msi=MsiRules(services="all")))
    assert plan_windows_installers(other)[0].settings != install.settings
    assert "windows" not in {cell.platform.family for cell in sample.release(tmp_path, platforms=installer_lab.LINUX).cells}
    assert plan_windows_installers(sample.release(tmp_path, platforms=installer_lab.LINUX)) == ()


def test_another_parser_can_read_every_script(scripts: list[Script]) -> None:
    for script in scripts:
        assert script.faults == []
        assert script.text.isascii()
        assert "\r" not in script.text
        assert script.text.endswith("}\n")


@pytest.mark.parametrize("text", ["if (1) {", "$a = @{ b = 1", "function F { G ) }", "$x ? 1 : 2", "$a ?? $b", "$a = @'\nb"])
def test_the_parser_finds_faults(text: str) -> None:
    assert read(text).faults != []


def test_every_command_is_known_and_called_as_it_is_declared(scripts: list[Script]) -> None:
    for script in scripts:
        functions = script.functions
        for call in script.calls:
            if (function := functions.get(call.name)) is not None:
                assert call.words <= len(function.parameters), call
                assert call.parameters == (), call
            else:
                assert call.name in CMDLETS, f"{call}: an alias, a program, or a cmdlet that 5.1 may not have"
                assert set(call.parameters) <= set(CMDLETS[call.name].split()), call


def test_functions_have_approved_verbs_and_hide_no_cmdlet(scripts: list[Script]) -> None:
    for script in scripts:
        names = [text_of(node.children[1]) for node in below(script.root, "function_statement")]
        assert len(names) == len({name.lower() for name in names})
        assert {name.partition("-")[0] for name in names} <= VERBS
        assert not set(names) & set(CMDLETS)


def test_strict_mode_meets_no_variable_that_is_not_set(scripts: list[Script]) -> None:
    for script in scripts:
        assert script.unknown_variables() == []


def test_no_function_hides_a_table_from_those_that_it_calls(scripts: list[Script]) -> None:
    for script in scripts:
        assert script.shadowed(TABLES) == []


def test_a_hidden_table_would_be_found() -> None:
    script = read("$Place = @{}\nfunction Get-B { foreach ($place in 1) { Get-C } }\nfunction Get-C { $Place.a }")
    assert script.shadowed(TABLES) == ["Get-B: $place"]


def test_an_unset_variable_would_be_found() -> None:
    script = read("$a = 1\nfunction Get-B($c) { $d = $a + $c + $e }\nfunction Get-E { $e = $d }")
    assert script.unknown_variables() == ["Get-B: $e", "Get-E: $d"]


def test_no_automatic_variable_is_set(scripts: list[Script]) -> None:
    banned = (
        r"\$(?:args|error|home|host|input|matches|pid|profile|this|true|false|null|event|sender|switch|foreach)\s*[+-]?=(?!=)"
    )
    for script in scripts:
        assert set(re.findall(banned, script.text.lower())) <= {"$null ="}


def test_nothing_is_of_powershell_7_alone(scripts: list[Script]) -> None:
    for script in scripts:
        assert [text_of(node) for node in below(script.root, "&&", "||")] == []
        # "$name: x" would be the drive of that name.
        assert re.findall(r'"[^"\n]*\$(?!env:)[A-Za-z]+:(?!:)[^"\n]*"', script.text) == []


def test_every_option_is_a_parameter_and_does_something(scripts: list[Script]) -> None:
    for script, removing in zip(scripts, (False, True), strict=True):
        said = [row["parameter"] for row in options.parameters("hello", removing=removing)]
        declared = re.search(r"^param\((.*?)^\)", script.text, re.MULTILINE | re.DOTALL)
        assert declared is not None
        assert re.findall(r"\$(\w+)", declared[1]) == [*said, "Help"]
        used = script.looked_up("Want") | set(re.findall(r"ConvertTo-Number '(\w+)'", script.text))
        assert script.members("Want") <= set(said), "an option that is not there, which ends a script in strict mode"
        assert set(said) <= used


def test_options_that_mean_nothing_on_windows_are_not_there() -> None:
    rows = {row["parameter"]: row for row in options.parameters("hello", "complete")}
    assert not {"NoSudo", "CaFile"} & set(rows)
    assert {"Prefix", "DryRun", "NoModifyPath", "InsecureSkipChecksum"} <= set(rows)
    assert "--" not in " ".join(row["doc"] for row in rows.values())
    assert "/usr/local" not in " ".join(row["doc"] for row in rows.values())


def test_tables_are_asked_only_for_what_is_in_them(scripts: list[Script]) -> None:
    install, uninstall = scripts
    facts = facts_of(install.text)
    assert install.members("Facts") <= set(facts)
    assert uninstall.members("Facts") <= set(re.findall(r'^  "(\w+)": ', uninstall.text, re.MULTILINE))
    place = set(re.findall(r"^    \$Place\.(\w+) =", install.text, re.MULTILINE))
    for script in (install, uninstall):
        assert script.members("Place") <= place
        first = re.search(r"^\$Run = @\{(.*?)^\}", script.text, re.MULTILINE | re.DOTALL)
        assert first is not None
        assert script.members("Run") <= set(re.findall(r"(\w+) = ", first[1]))
    causes = re.search(r"^\$Codes = @\{(.*)\}$", install.text, re.MULTILINE)
    assert causes is not None
    codes = {name: int(code) for name, code in re.findall(r"(\w+) = (\d+)", causes[1])}
    assert codes == dict(
        zip(
            ("Other", "Usage", "Refused", "Checksum", "Permission", "Archive", "Space", "Network"),
            (1, 2, 3, 4, 5, 6, 7, 42),
            strict=True,
        )
    )
    assert set(re.findall(r"Stop-Install '(\w+)'", install.text)) <= set(codes)


def test_the_exit_codes_are_those_of_the_shell_installer() -> None:
    said = (FRAGMENTS.parent / "unix" / "_say.sh.j2").read_text()
    shell = {name.capitalize(): code for name, code in re.findall(r"E_([A-Z]+)=(\d+)", said)}
    windows = dict(
        re.findall(r"(\w+) = (\d+)", (FRAGMENTS / "_say.ps1.j2").read_text().partition("$Codes = @{")[2].partition("}")[0])
    )
    assert windows == shell


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9, -1, -7, -60, -400])
def test_a_part_of_the_script_does_nothing(tmp_path: Path, at: float) -> None:
    text = windows_uninstall_script("hello", tmp_path)
    part = text[: int(at * len(text)) if at > 0 else len(text) + int(at) - 1]
    # Either it is no script at all, or the last argument, without which it returns at once, is not there.
    assert read(part).root.has_error or "$args @{" not in part


def test_the_last_argument_is_what_the_block_waits_for(tmp_path: Path) -> None:
    for script in both(staged(tmp_path)):
        body = script.text.partition("\n& {\n")[2].splitlines()
        assert body[:2] == ["param([object]$Invocation, [object[]]$Rest, [hashtable]$Asked)", "if ($null -eq $Asked) { return }"]


def test_the_places_are_those_of_the_windows_package(tmp_path: Path) -> None:
    text = script_of(staged(tmp_path))
    placed = dict(re.findall(r'^    \$Place\.(\w+) = "\$chosen\\([^"]*)"', text, re.MULTILINE))
    folders = Folders.windows("hello")
    for role in ("bin", "lib", "share", "doc", "config"):
        assert placed[role].replace("$($Facts.name)", "hello") == folders.of(role).removeprefix("[INSTALLDIR]")
    assert re.search(r"\$env:ProgramData, \$Facts\.name\)", text)
    assert (folders.state, folders.logs) == ("[CommonAppDataFolder]hello", "[CommonAppDataFolder]hello\\logs")
    assert facts_of(text)["places"] == list(PLACES)


def test_the_table_has_each_file_of_each_build_once(tmp_path: Path) -> None:
    release = staged(tmp_path)
    text = script_of(release)
    table = text.partition("$Table = @'\n")[2].partition("\n'@")[0].splitlines()
    rows = [line.split("\t") for line in table]
    for cell, made in zip(release.cells, facts_of(text)["cells"], strict=True):
        contents = Contents.load(release.contents(cell))
        mine = {(path, sha256) for cells, _, sha256, path in rows if f",{made['number']}," in cells}
        assert mine == {(file.path, file.sha256) for file in contents.files}
        assert made["unpacked"] == sum(file.size for file in contents.files)
        assert made["archive"] == f"{release.name_of(cell)}.zip"
    assert [path.startswith("bin/") for *_, path in rows] == sorted(path.startswith("bin/") for *_, path in rows)


def test_letters_beyond_ascii_are_spelled(tmp_path: Path) -> None:
    release = staged(
        tmp_path, files={"lib/hello/gr\u00fc\u00dfe \U0001f600.txt": (0o644, "x")}, maintainer="\u00c9va <eva@hello.example>"
    )
    text = script_of(release)
    assert "\tlib/hello/gr\\u00fc\\u00dfe \\ud83d\\ude00.txt\n" in text
    assert facts_of(text)["publisher"] == "\u00c9va"


@pytest.mark.parametrize("path", ["lib/a:b", "lib/con.txt", "lib/a.", "lib/a\tb", "lib/../x", "/x", "lib\\x", 'lib/"'])
def test_names_that_windows_cannot_hold_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(VerificationError, match="cannot install a file with the name"):
        script_of(with_file(staged(tmp_path), path))


def test_names_that_are_one_for_windows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="one name for Windows"):
        script_of(with_file(staged(tmp_path), "LIB/hello/greetings.txt"))


def with_file(release: Release, path: str) -> Release:
    cell = release.cells[0]
    contents = Contents.load(release.contents(cell))
    bad = File(path=path, mode=0o644, size=1, sha256="0" * 64, md5="0" * 32)
    release.contents(cell).write_bytes(replace(contents, files=(*contents.files, bad)).dump())
    return release


def test_an_archive_that_windows_cannot_unpack_is_refused(tmp_path: Path) -> None:
    release = staged(tmp_path, settings={"windows-amd64": PlatformSettings(archives=("tar.zst",))})
    with pytest.raises(ConfigError, match=re.escape("platforms.windows-amd64.archives")):
        plan_windows_installers(release)


SPEAKS = {"bin/hello-server": (0o755, "MZ..StartServiceCtrlDispatcherW..")}


@pytest.mark.parametrize(
    ("files", "rules", "schedule", "able"),
    [
        ({}, "able", "", False),
        (SPEAKS, "able", "", True),
        ({}, "all", "", True),
        ({}, "able", "daily", True),
        (SPEAKS, "none", "", None),
    ],
)
def test_only_programs_that_can_be_services_become_services(
    tmp_path: Path, files: dict[str, tuple[int, str] | None], rules: str, schedule: str, able: bool | None
) -> None:
    release = staged(tmp_path, files=files, services=(replace(DAEMON, schedule=schedule),), msi=MsiRules(services=rules))
    services = facts_of(script_of(release))["cells"][0]["services"]
    assert [service["able"] for service in services] == ([] if able is None else [able])


def test_a_service_keeps_its_words_apart(tmp_path: Path) -> None:
    release = staged(tmp_path, services=(DAEMON,), msi=MsiRules(services="all", service_account="NT AUTHORITY\\LocalService"))
    (service,) = facts_of(script_of(release))["cells"][0]["services"]
    assert service["arguments"] == list(DAEMON.arguments)
    assert service["environment"] == [{"name": "HELLO_STATE", "value": "{state}"}]
    assert (service["program"], service["account"]) == ("hello-server.exe", "NT AUTHORITY\\LocalService")


def test_without_services_there_are_none(tmp_path: Path) -> None:
    install, *others = plan_windows_installers(staged(tmp_path, services=(DAEMON,)), services=False, uninstaller=False)
    install.run()
    assert others == []
    assert facts_of(install.outputs[0].read_text())["cells"][0]["services"] == []


def test_where_it_comes_from_and_who_signs(tmp_path: Path) -> None:
    facts = facts_of(script_of(staged(tmp_path, **CASES["from the web"])))
    assert facts["address"] == "https://hello.example/{tag}/{file}"
    assert (facts["tag"], facts["mirrors"], facts["signature"]) == ("v{version}", ["https://mirror.example"], "auto")
    assert facts["minisign"].startswith("RWQ")
    assert facts["publisher"] == "Hello Makers"


def test_the_uninstaller_stands_in_the_installer_as_it_is(tmp_path: Path) -> None:
    release = staged(tmp_path)
    inside = script_of(release).partition("$Uninstaller = @'\n")[2]
    alone = windows_uninstall_script("hello", release.project.root)
    assert inside.startswith(alone)
    assert inside.removeprefix(alone).startswith("\n'@\n")


def test_a_template_of_the_project_that_would_end_the_text_early_is_refused(tmp_path: Path) -> None:
    release = staged(tmp_path)
    own = release.project.root / "installers" / "windows" / "uninstall.ps1.j2"
    own.parent.mkdir(parents=True)
    own.write_text("$x = @'\na\n'@\n")
    with pytest.raises(VerificationError, match="indent that line"):
        script_of(release)


def test_every_line_of_a_receipt_is_read_again() -> None:
    written = "".join((FRAGMENTS / name).read_text() for name in ("_install.ps1.j2",))
    kinds = set(re.findall(r'"(dir|file|path|service|entry)`t', written))
    assert kinds == {"dir", "file", "path", "service", "entry"}
    reader = (FRAGMENTS / "_receipt.ps1.j2").read_text()
    for kind in kinds:
        columns = {line.count("`t") + 1 for line in re.findall(rf'"({kind}`t[^"\n]*)"', written) if "`t-`t" not in line}
        found = re.search(rf"\$parts\[0\] -eq '{kind}' -and \$parts\.Count -eq (\d)", reader)
        assert found is not None
        assert int(found[1]) in columns
