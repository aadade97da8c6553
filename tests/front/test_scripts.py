"""The documented scripts and the commands about the project file, with their flags."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import jsonschema
import pytest

import hello
from slipway.files import digest_file

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose distributions and archives are made for Linux and Windows."""
    folder = hello.write(tmp_path_factory.mktemp("scripts") / "hello", dodo=False)
    done = hello.run(folder, "slipway", "package-all", "PLATFORMS=linux-amd64,windows")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(laid_out: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(laid_out, tmp_path / "hello", symlinks=True)
    return tmp_path / "hello"


@pytest.mark.req("S0-20")
def test_package_all_makes_archives_packages_and_installers(laid_out: Path) -> None:
    kinds = {each["kind"] for each in json.loads((laid_out / "packages/manifest.json").read_text())["artifacts"]}
    assert kinds == {"archive", "deb", "rpm", "installer"}


@pytest.mark.req("S0-34")
def test_generate_distribution_can_be_rehearsed(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello", dodo=False)
    done = hello.run(project, "slipway", "generate-distribution", "--verbose", "--dry-run")
    assert done.returncode == 0, done.stderr
    cells = {line.split()[2] for line in done.stdout.splitlines() if " dist-generate:" in line}
    platforms = ("linux-amd64", "macos-arm64", "windows-amd64", "freebsd-amd64")
    assert cells == {f"dist-generate:{name}-{variant}" for name in platforms for variant in ("complete", "minimal")}
    assert not (project / "dist").exists()
    made = hello.run(project, "slipway", "generate-distribution", "PLATFORMS=macos-arm64", "VARIANTS=minimal")
    assert made.returncode == 0, made.stderr
    assert (project / "dist/hello-1.2.3-macos-arm64-minimal/bin/hello").is_file()


@pytest.mark.req("S0-35")
def test_package_binaries_packs_what_is_compiled(project: Path) -> None:
    flags = ("--source-dir", "dist/platform", "--output-dir", "packages/bare", "--platforms", "linux-amd64,windows-amd64")
    done = hello.run(project, "slipway", "package-binaries", *flags, "--format", "archive", "--compress", "--checksum")
    assert done.returncode == 0, done.stderr
    output = project / "packages/bare"
    assert sorted(path.name for path in output.iterdir()) == [
        "SHA256SUMS",
        "hello-1.2.3-linux-amd64.tar.gz",
        "hello-1.2.3-windows-amd64.zip",
    ]
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=output, check=True)
    with tarfile.open(output / "hello-1.2.3-linux-amd64.tar.gz") as archive:
        program = archive.getmember("hello-1.2.3-linux-amd64/hello")
        assert (program.mode, program.uid, program.uname) == (0o755, 0, "root")


@pytest.mark.req("S0-35")
def test_package_binaries_without_binaries_says_what_makes_them(project: Path) -> None:
    done = hello.run(project, "slipway", "package-binaries", "--platforms", "macos-arm64")
    assert done.returncode == 3
    assert "doit compile-platform" in done.stderr
    assert not list((project / "packages/binaries").glob("*macos*"))


@pytest.mark.req("S0-35")
def test_package_binaries_makes_debs_too(project: Path) -> None:
    before = {path.name: path.read_bytes() for path in (project / "packages/binaries").glob("*.deb")}
    for name in before:
        (project / "packages/binaries" / name).unlink()
    done = hello.run(project, "slipway", "package-binaries", "--platforms", "linux-amd64", "--format", "deb")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in (project / "packages/binaries").glob("*.deb")} == before


@pytest.mark.req("S0-35")
def test_package_binaries_puts_what_it_makes_where_it_is_told(project: Path) -> None:
    flags = ("--platforms", "linux-amd64,windows-amd64", "--output-dir", "elsewhere")
    debs = hello.run(project, "slipway", "package-binaries", *flags, "--format", "deb", "--checksum")
    assert debs.returncode == 0, debs.stderr
    assert {path.name for path in (project / "elsewhere").iterdir()} == {
        "SHA256SUMS",
        "hello-minimal_1.2.3_amd64.deb",
        "hello_1.2.3_amd64.deb",
    }
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=project / "elsewhere", check=True)
    assert hello.run(project, "slipway", "package-binaries", *flags, "--no-compress").returncode == 0
    for platform in ("linux-amd64", "windows-amd64"):
        with tarfile.open(project / f"elsewhere/hello-1.2.3-{platform}.tar", "r:") as archive:
            assert len(archive.getnames()) == 3


@pytest.mark.slow
@pytest.mark.req("S0-35")
def test_package_binaries_strips_what_it_packs_and_leaves_the_source(project: Path, tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    source = project / "bare/linux-amd64/tiny"
    source.parent.mkdir(parents=True)
    subprocess.run(["cc", "-g", "-o", source, tmp_path / "main.c"], check=True)
    before = source.read_bytes()
    flags = ("--source-dir", "bare", "--output-dir", "out", "--platforms", "linux-amd64", "--strip")
    done = hello.run(project, "slipway", "package-binaries", *flags)
    assert done.returncode == 0, done.stderr
    with tarfile.open(project / "out/hello-1.2.3-linux-amd64.tar.gz") as archive:
        assert archive.getmember("hello-1.2.3-linux-amd64/tiny").size < len(before)
    assert source.read_bytes() == before


@pytest.mark.req("S0-35", "S0-75")
@pytest.mark.parametrize(
    "words",
    [
        ("package-binaries", "--platforms", "linux-amd64"),
        ("create-installer", "dist", "--output-dir", "elsewhere"),
        ("test-distribution", "--platform", "linux-amd64"),
        ("validate-package", "packages"),
        ("init", "--force"),
    ],
)
def test_every_script_can_be_rehearsed_without_a_trace(project: Path, words: tuple[str, ...]) -> None:
    if words[0] == "init":
        (project / "Cargo.toml").write_text('[package]\nname = "other"\nversion = "0.1.0"\n')
        (project / "src/main.rs").write_text("fn main() {}\n")
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*") if ".slipway" not in path.parts}
    done = hello.run(project, "slipway", *words, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*") if ".slipway" not in path.parts} == before


@pytest.mark.slow
@pytest.mark.req("S0-37", "S0-57")
def test_create_installer_takes_a_distribution_and_its_flags(project: Path) -> None:
    dist = "dist/hello-1.2.3-linux-amd64-complete"
    flags = ("--output-dir", "made", "--installer-types", "shell,package", "--platforms", "linux,macos")
    done = hello.run(
        project, "slipway", "create-installer", dist, *flags, "--include-services", "--create-uninstaller", "--validate-installer"
    )
    assert done.returncode == 0, done.stderr
    scripts = {"install.sh", "install-hello-1.2.3.sh", "uninstall-hello.sh"}
    packages = {"hello_1.2.3_amd64.deb", "hello-1.2.3-1.x86_64.rpm"}
    assert {path.name for path in (project / "made").iterdir()} == scripts | packages
    for name in packages:
        assert (project / "made" / name).read_bytes() == (project / "packages/binaries" / name).read_bytes()
    assert "\nExecStart=" in (project / "made/install.sh").read_text()
    told = [line.split() for line in done.stderr.splitlines()]
    assert ["install.sh", "round", "trip", "passed"] in [line[:4] for line in told]
    assert dict.fromkeys(packages, "passed") == {line[0]: line[-1] for line in told if line[0] in packages}
    flags = ("--output-dir", "bare", "--no-include-services", "--no-create-uninstaller", "--installer-types", "shell,package")
    bare = hello.run(project, "slipway", "create-installer", dist, *flags)
    assert bare.returncode == 0, bare.stderr
    assert {path.name for path in (project / "bare").iterdir()} == {"install.sh", "install-hello-1.2.3.sh"} | packages
    assert "\nExecStart=" not in (project / "bare/install.sh").read_text()
    folders = ("made", "bare", "packages/binaries")
    units = [_holds(project / folder / "hello_1.2.3_amd64.deb", "hello-server.service") for folder in folders]
    assert units == [True, False, True]
    assert hello.run(project, "slipway", "validate-package", "packages").returncode == 0


def _holds(deb: Path, name: str) -> bool:
    return name in subprocess.run(["dpkg-deb", "--contents", deb], capture_output=True, text=True, check=True).stdout


@pytest.mark.req("S0-37", "S0-57")
def test_create_installer_makes_for_windows_what_is_for_windows(project: Path) -> None:
    done = hello.run(project, "slipway", "create-installer", "dist/hello-1.2.3-windows-amd64-complete", "--output-dir", "made")
    assert done.returncode == 0, done.stderr
    assert "install.ps1" in {path.name for path in (project / "made").iterdir()}
    none = hello.run(
        project, "slipway", "create-installer", "dist/hello-1.2.3-windows-amd64-complete", "--installer-types", "shell"
    )
    assert none.returncode == 2
    assert "there is no installer of the kind shell for windows-amd64-complete" in none.stderr


@pytest.mark.slow
@pytest.mark.req("S0-37")
def test_a_faulty_template_of_the_project_s_own_does_not_pass(project: Path) -> None:
    own = project / "installers/unix/_usage.sh.j2"
    own.parent.mkdir(parents=True)
    own.write_text("usage() {\n    for option in $1; do\n}\n")
    done = hello.run(project, "slipway", "create-installer", "dist/hello-1.2.3-linux-amd64-complete", "--validate-installer")
    assert done.returncode == 4, done.stderr
    assert "install.sh, syntax: sh: " in done.stderr
    assert "install.sh, round trip: " in done.stderr


@pytest.mark.slow
@pytest.mark.req("S0-57")
def test_the_target_makes_the_kinds_that_installer_types_names(project: Path) -> None:
    shutil.rmtree(project / "packages/binaries")
    words = ("create-installers", "PLATFORMS=linux-amd64", "VARIANTS=complete", "VALIDATE_INSTALLERS=true")
    done = hello.run(project, "slipway", *words, "INSTALLER_TYPES=package")
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in (project / "packages/binaries").iterdir()} == {".deb", ".rpm"}
    assert "create-installers:install.sh" not in done.stderr
    done = hello.run(project, "slipway", *words, "INSTALLER_TYPES=shell")
    assert done.returncode == 0, done.stderr
    assert "7 files of hello-1.2.3-linux-amd64-complete installed and removed" in done.stderr
    wrong = hello.run(project, "slipway", *words, "INSTALLER_TYPES=shall")
    assert wrong.returncode == 2
    assert "did you mean shell?" in wrong.stderr


@pytest.mark.req("S0-58")
def test_the_lines_to_install_from_the_web_are_said_when_the_scripts_are_made(project: Path) -> None:
    toml = project / "slipway.toml"
    url = "https://hello.example/{tag}"
    toml.write_text(toml.read_text().replace("[install]\n", f'[install]\ndownload-url = "{url}"\n'))
    words = ("create-installers", "PLATFORMS=linux-amd64,windows-amd64")
    done = hello.run(project, "slipway", *words)
    assert done.returncode == 0, done.stderr
    digests = {name: digest_file(project / "packages/installers" / name) for name in ("install.sh", "install.ps1")}
    for line in (
        "curl --proto '=https' --tlsv1.2 -fsSL https://hello.example/v1.2.3/install.sh | sh",
        "wget -qO- https://hello.example/v1.2.3/install.sh | sh",
        f"echo '{digests['install.sh']}  install.sh' | sha256sum -c && sh install.sh",
        "irm https://hello.example/v1.2.3/install.ps1 | iex",
        f"where install.ps1 has the SHA-256 {digests['install.ps1']}",
    ):
        assert line in done.stderr
    again = hello.run(project, "slipway", *words)
    assert "hello.example" not in again.stderr


@pytest.mark.req("S0-24")
def test_install_uses_the_very_script_that_users_get(project: Path, tmp_path: Path) -> None:
    made = project / "packages/installers/install.sh"
    words = ("PLATFORMS=linux-amd64,windows-amd64", f"PREFIX={tmp_path / 'opt'}")
    done = hello.run(project, "slipway", "install", *words, HOME=str(tmp_path), VERBOSE="true")
    assert done.returncode == 0, done.stderr
    assert f"sh {made} --from" in done.stderr
    assert not (project / ".slipway/host").exists()
    assert (tmp_path / "opt/bin/hello").is_file()
    gone = hello.run(project, "slipway", "uninstall", words[1], HOME=str(tmp_path), VERBOSE="true")
    assert gone.returncode == 0, gone.stderr
    assert f"sh {project}/packages/installers/uninstall-hello.sh" in gone.stderr
    assert not (tmp_path / "opt").exists()


@pytest.mark.req("S0-24")
def test_install_needs_no_other_platform_than_this_machine_s(tmp_path: Path) -> None:
    folder = hello.write(tmp_path / "hello", dodo=False)
    done = hello.run(folder, "slipway", "install", f"PREFIX={tmp_path / 'opt'}", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "packages").glob("*.*z*")} == {"hello-1.2.3-linux-amd64-complete.tar.gz"}
    assert (tmp_path / "opt/bin/hello").is_file()
    (folder / "src/hello").write_text("#!/bin/sh\necho changed\n")
    again = hello.run(folder, "slipway", "install", f"PREFIX={tmp_path / 'opt'}", HOME=str(tmp_path))
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "opt/bin/hello").read_text() == "#!/bin/sh\necho changed\n"


@pytest.mark.req("S0-37")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("dist/hello-9.9.9-linux-amd64-complete",), "hello-1.2.3-linux-amd64-complete"),
        (("dist", "--installer-types", "shall"), "did you mean shell?"),
        (("dist", "--platforms", "macs"), "did you mean macos?"),
        (("dist/hello-1.2.3-linux-amd64-complete", "--platforms", "macos"), "has no distribution for macos"),
        (("dist", "--installer-types", "package", "--no-include-services"), "say where they go: --output-dir DIR"),
    ],
)
def test_create_installer_names_what_it_can_do(project: Path, words: tuple[str, ...], says: str) -> None:
    done = hello.run(project, "slipway", "create-installer", *words)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr


@pytest.mark.req("S0-39")
def test_validate_package_takes_a_folder(project: Path) -> None:
    for folder in ("packages", "dist"):
        done = hello.run(project, "slipway", "validate-package", folder)
        assert done.returncode == 0, done.stderr
    (project / "dist/hello-1.2.3-linux-amd64-complete/README.md").write_text("changed\n")
    done = hello.run(project, "slipway", "validate-package", "dist")
    assert done.returncode == 4
    assert "README.md" in done.stderr
    assert hello.run(project, "slipway", "validate-package", "nowhere").returncode == 2


@pytest.mark.req("S0-23")
def test_ci_build_tests_and_packs(tmp_path: Path) -> None:
    toml = hello.TOML.replace("[test]", '[test]\nunit = ["sh src/hello tester && touch tested"]')
    project = hello.write(tmp_path / "hello", dodo=False, toml=toml)
    done = hello.run(project, "slipway", "ci-build", "PLATFORMS=linux-amd64", CI="true")
    assert done.returncode == 0, done.stderr
    assert (project / "tested").exists()
    assert (project / "packages/hello-1.2.3-linux-amd64-complete.tar.gz").is_file()


@pytest.mark.req("S0-22", "S0-23")
@pytest.mark.parametrize("target", ["ci-build", "ci-test"])
def test_a_failing_unit_test_fails_ci(tmp_path: Path, target: str) -> None:
    toml = hello.TOML.replace("[test]", '[test]\nunit = ["echo 2 and 2 is 5; exit 9"]')
    project = hello.write(tmp_path / "hello", dodo=False, toml=toml)
    done = hello.run(project, "slipway", target, "PLATFORMS=linux-amd64")
    assert done.returncode == 1
    assert "2 and 2 is 5" in done.stderr


@pytest.mark.req("S0-22")
def test_validate_all_names_the_broken_file_and_its_line(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello", dodo=False)
    assert hello.run(project, "slipway", "validate-all").returncode == 0
    (project / "config/hello.toml").write_text('name = "world"\nname = \n')
    done = hello.run(project, "slipway", "validate-all")
    assert done.returncode == 4, done.stderr
    assert "hello.toml:2" in done.stderr


@pytest.mark.req("S0-1")
def test_outputs_may_go_to_another_folder(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "src", dodo=False)
    done = hello.run(
        tmp_path, "slipway", "--project", "src/slipway.toml", "--outputs", "out", "create-archives", "PLATFORMS=linux-amd64"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/packages/hello-1.2.3-linux-amd64-complete.tar.gz").is_file()
    assert (tmp_path / "out/build.log").is_file()
    assert not (project / "dist").exists()


@pytest.mark.req("S0-33")
def test_the_project_s_own_variable_asks_for_tracebacks(tmp_path: Path) -> None:
    toml = hello.TOML.replace("cp hello", "echo $RUST_LOG; exit 7; cp hello")
    project = hello.write(tmp_path / "hello", toml=toml)
    quiet = hello.run(project, "doit", "compile-platform", "PLATFORMS=linux-amd64", RUST_LOG="debug-level")
    loud = hello.run(project, "doit", "compile-platform", "PLATFORMS=linux-amd64", HELLO_DEBUG="true")
    assert "debug-level" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr


@pytest.mark.req("S0-72")
def test_modes_are_mended_and_clean_removes_the_compiler_s_folders(tmp_path: Path) -> None:
    project = hello.write(tmp_path / "hello", dodo=False)
    for name in ("hello", "hello-server"):
        (project / "src" / name).chmod(0o600)
    assert hello.run(project, "slipway", "dist-generate", "PLATFORMS=linux-amd64").returncode == 0
    assert (project / "dist/hello-1.2.3-linux-amd64-minimal/bin/hello").stat().st_mode & 0o777 == 0o755
    (project / ".slipway/target/linux-amd64").mkdir(parents=True)
    assert hello.run(project, "slipway", "clean").returncode == 0
    assert not (project / ".slipway/target").exists()


def test_init_writes_a_file_that_check_accepts(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.rs").write_text("fn main() {}\n")
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\ndescription = "Small"\n')
    assert hello.run(tmp_path, "slipway", "init").returncode == 0
    done = hello.run(tmp_path, "slipway", "check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tiny: 1 component, 1 variant, 6 platforms")
    again = hello.run(tmp_path, "slipway", "init")
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_schema_prints_a_schema_that_fits_the_project_file(tmp_path: Path) -> None:
    import tomllib

    done = hello.run(tmp_path, "slipway", "schema")
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(hello.TOML), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(hello.TOML.replace("summary", "sumary")), schema)


def test_help_lists_the_commands_and_a_wrong_flag_ends_with_2(tmp_path: Path) -> None:
    done = hello.run(tmp_path, "slipway", "--help")
    assert done.returncode == 0
    for name in ("init", "check", "schema", "generate-distribution", "create-installer", "validate-package"):
        assert name in done.stdout
    assert hello.run(tmp_path, "slipway", "check", "--nonsense").returncode == 2
