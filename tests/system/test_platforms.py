"""Every platform, compiled from this one machine by real compilers, and run wherever it can be run here."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import hello
import platform_table
import toolchains
from slipway import containers
from slipway.platforms import DOCUMENTED, PLATFORMS

pytestmark = pytest.mark.slow
SAMPLE = Path(__file__).parents[2] / "examples" / "provisioning"
COMPILED = tuple(name for name, row in PLATFORMS.items() if not row.parts)
PROGRAMS = ("provisioning", "provisioning-control-center", "provisioning-mcp-server", "provisioning-orchestrator")
# How many packages of the two variants there are; a pkg for both Macs is made where no universal one is.
FORMATS = {
    "provisioning*.deb": 4,
    "provisioning*.rpm": 4,
    "provisioning-2.1.0-freebsd-*.pkg": 2,
    "provisioning-2.1.0-macos-*.pkg": 6,
    "provisioning-2.1.0-windows-*.msi": 2,
    "provisioning-2.1.0-*-portable.*": 18,
    "provisioning-2.1.0.tar.gz": 1,
    "install.sh": 1,
}
FLOORS = {"linux-amd64": "2.17", "linux-arm64": "2.28", "macos-amd64": "11.0", "macos-arm64": "11.0"}


@dataclass(frozen=True)
class Built:
    """The sample platform, compiled for every platform; `seconds` is what each took."""

    folder: Path
    environment: Mapping[str, str]
    seconds: Mapping[str, float]

    def program(self, platform: str, name: str = "provisioning") -> Path:
        return self.folder / "dist/platform" / platform / f"{name}{PLATFORMS[platform].exe}"

    def slipway(self, *words: str) -> str:
        return _slipway(self.folder, self.environment, *words)


def _slipway(folder: Path, environment: Mapping[str, str], *words: str) -> str:
    done = hello.run(folder, "slipway", *words, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _sample(folder: Path) -> Path:
    """A copy of the sample that is released for every platform."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("target"))
    file = folder / "slipway.toml"
    listed = ", ".join(f'"{name}"' for name in PLATFORMS)
    text = re.sub(r"^platforms = .*$", f"platforms = [{listed}]", file.read_text(), count=1, flags=re.MULTILINE)
    file.write_text(text.replace('[platform.linux-amd64]\nglibc = "2.28"', '[platform.linux-amd64]\nglibc = "2.17"'))
    return folder


@pytest.fixture(scope="module")
def compilers() -> Mapping[str, str]:
    """The variables under which every platform can be compiled here."""
    return toolchains.environment()


@pytest.fixture(scope="module")
def built(compilers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = _sample(tmp_path_factory.mktemp("all") / "provisioning")
    said = _slipway(folder, compilers, "build-cross", "PLATFORMS=all")
    times = re.findall(r"compile-platform:(\S+) +([0-9.]+) s", said)
    return Built(folder, compilers, {name: float(seconds) for name, seconds in times})


def _ran(*words: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    settings = {**os.environ, **(env or {})}
    done = subprocess.run(words, cwd=cwd, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.req("S0-16", "S0-17", "S0-53")
@pytest.mark.parametrize("platform", COMPILED)
def test_every_program_is_there_for_every_platform(built: Built, platform: str) -> None:
    assert {path.name for path in built.program(platform).parent.iterdir()} == {f"{n}{PLATFORMS[platform].exe}" for n in PROGRAMS}


@pytest.mark.parametrize("platform", ["linux-amd64", "linux-amd64-musl"])
def test_programs_for_this_processor_run_here(built: Built, platform: str) -> None:
    assert _ran(built.program(platform), "--version") == "provisioning 2.1.0\n"


@pytest.mark.parametrize(
    ("platform", "where"), [("linux-arm64", ("-L", "/usr/aarch64-linux-gnu")), ("linux-arm64-musl", ())], ids=["gnu", "musl"]
)
def test_programs_for_arm64_run_under_qemu(built: Built, platform: str, where: tuple[str, ...]) -> None:
    assert _ran("qemu-aarch64-static", *where, built.program(platform), "--version") == "provisioning 2.1.0\n"
    command = ("taskserv", "list", "--local", str(SAMPLE))
    said = _ran("qemu-aarch64-static", *where, built.program(platform), *command)
    assert said == _ran(built.program("linux-amd64"), *command)


# Every Windows since 8 has this library, and Rust's hash maps take their randomness from it. Wine has it only from 9 on.
RANDOM = """\
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
"""


@pytest.fixture(scope="module")
def wine(compilers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The variables of a Windows that lasts as long as the tests of this file."""
    folder = tmp_path_factory.mktemp("wine")
    environment = {"WINEPREFIX": str(folder / "prefix"), "WINEDEBUG": "-all", "DISPLAY": ""}
    subprocess.run(["wineboot", "--init"], env={**os.environ, **environment}, check=True, capture_output=True)
    library = folder / "prefix/drive_c/windows/system32/bcryptprimitives.dll"
    if not library.exists():
        (folder / "random.c").write_text(RANDOM)
        _ran("x86_64-w64-mingw32-gcc", "-shared", "-o", library, folder / "random.c", "-ladvapi32", env=compilers)
    yield environment
    subprocess.run(["wineserver", "--kill", "--wait"], env={**os.environ, **environment}, check=False)


def test_programs_for_windows_run_under_wine(built: Built, wine: Mapping[str, str], tmp_path: Path) -> None:
    program = built.program("windows-amd64")
    assert _ran("wine", program, "--version", env=wine).split() == ["provisioning", "2.1.0"]
    done = subprocess.run(["wine", program, "nonsense"], env={**os.environ, **wine}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error:" in done.stderr


def test_programs_run_on_the_oldest_system_that_they_promise(built: Built, engine: containers.Engine) -> None:
    # Debian 11 has glibc 2.31, the oldest that can be had where no registry answers; the symbols promise more.
    with containers.Container(engine, engine.ensure_image("debian:bullseye-slim", bootstrap="bullseye")) as box:
        box.copy_in(built.program("linux-amd64"), "/tmp/provisioning")
        assert box.exec(["/tmp/provisioning", "--version"], check=True).output == "provisioning 2.1.0\n"
        assert "GLIBC 2.31" in box.exec("ldd --version").output.replace("GNU libc) ", "GLIBC ")


def test_musl_programs_need_nothing_at_all(built: Built, engine: containers.Engine, tmp_path: Path) -> None:
    empty = tmp_path / "empty.tar"
    subprocess.run(["tar", "-C", built.program("linux-amd64-musl").parent, "-cf", empty, "provisioning"], check=True)
    name = "localhost/slipway-tests-empty"
    engine.run("import", empty, name)
    said = engine.run("run", "--rm", "--network", "none", name, "/provisioning", "--version")
    assert said.output == "provisioning 2.1.0\n"


@pytest.mark.parametrize(("platform", "processor"), [("macos-amd64", "x86_64"), ("macos-arm64", "arm64")])
def test_programs_for_macos_as_another_reader_sees_them(built: Built, platform: str, processor: str) -> None:
    said = _ran(toolchains.llvm("llvm-objdump"), "--macho", "--private-headers", built.program(platform))
    assert re.search(rf"MH_MAGIC_64 +{processor.upper()}", said)
    assert re.search(r"platform macos\s+sdk \S+|platform macos", said)
    assert re.search(rf"minos {re.escape(FLOORS[platform])}\b", said)
    assert re.search(r"\bPIE\b", said)
    libraries = re.findall(r"^ +name (/\S+)", said, flags=re.MULTILINE)
    assert libraries
    assert all(name.startswith(("/usr/lib/", "/System/Library/")) for name in libraries)
    assert "LC_CODE_SIGNATURE" in said
    symbols = _ran(toolchains.llvm("llvm-nm"), "--defined-only", "--extern-only", built.program(platform))
    assert "rust_panic" not in symbols


def test_programs_for_both_macs_are_in_one_file(built: Built) -> None:
    for name in PROGRAMS:
        fat = built.program("macos-universal", name)
        assert set(_ran(toolchains.llvm("llvm-lipo"), "-archs", fat).split()) == {"x86_64", "arm64"}
        for part, processor in (("macos-amd64", "x86_64"), ("macos-arm64", "arm64")):
            thin = fat.parent.parent.parent / f"{name}.{processor}"
            _ran(toolchains.llvm("llvm-lipo"), fat, "-thin", processor, "-output", thin)
            assert thin.read_bytes() == built.program(part, name).read_bytes()
            thin.unlink()


def test_programs_for_freebsd_as_another_reader_sees_them(built: Built) -> None:
    said = _ran("readelf", "--file-header", "--notes", "--dynamic", "--wide", built.program("freebsd-amd64"))
    assert "X86-64" in said
    assert "FreeBSD" in said
    assert "DYN" in said
    libraries = set(re.findall(r"Shared library: \[(\S+?)\.so", said))
    assert libraries <= {"libc", "libthr", "libm", "libgcc_s", "libexecinfo", "libkvm"}


@pytest.mark.parametrize("platform", ["linux-amd64", "linux-arm64"])
def test_no_symbol_is_newer_than_the_floor(built: Built, platform: str) -> None:
    said = _ran("readelf", "--version-info", "--wide", built.program(platform))
    needed = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([0-9.]+)", said)}
    assert (2, 2, 5) <= max(needed) <= tuple(map(int, FLOORS[platform].split(".")))


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_another_user_in_another_folder_makes_the_same_bytes(built: Built, tmp_path: Path) -> None:
    other, home = _sample(tmp_path / "a longer way" / "to" / "provisioning"), tmp_path / "home"
    home.mkdir()
    # Another user as the programs see it, with the files of this one.
    somebody = ["unshare", "--user", "--map-user=1234", "--map-group=1234"]
    settings = {"HOME": str(home), "USER": "somebody", "TZ": "Asia/Tokyo", "LANG": "C", "CARGO_HOME": str(home / "cargo")}
    environment = {**os.environ, **built.environment, **settings, **toolchains.caches()}
    environment["PATH"] = f"{hello.BIN}:{environment['PATH']}"
    done = subprocess.run(
        [*somebody, hello.BIN / "slipway", "build-cross", "PLATFORMS=all", "PARALLEL=true"],
        cwd=other,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = (_digests(folder / "dist/platform") for folder in (built.folder, other))
    assert len(first) == len(PROGRAMS) * len(PLATFORMS)
    assert first == second


@pytest.mark.req("S0-8", "S0-53")
def test_all_makes_the_documented_matrix_of_distributions(built: Built) -> None:
    built.slipway("all", f"PLATFORMS={','.join(DOCUMENTED)}")
    endings = {"windows-amd64": "zip", "freebsd-amd64": "tar.xz"}
    wanted = {
        f"provisioning-2.1.0-{platform}-{variant}.{endings.get(platform, 'tar.gz')}"
        for platform in DOCUMENTED
        for variant in ("complete", "minimal")
    }
    assert len(wanted) == 12
    assert wanted <= {path.name for path in (built.folder / "packages").iterdir()}
    subprocess.run(["sha256sum", "-c", "--quiet", "packages/checksums.sha256"], cwd=built.folder, check=True)
    assert "nothing to do" in built.slipway("all", f"PLATFORMS={','.join(DOCUMENTED)}")


def _packed(folder: Path, programs: Path, environment: Mapping[str, str]) -> Path:
    """A committed copy of the sample, and every kind of package for every platform from programs that were built elsewhere."""
    _sample(folder)
    dates = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
    for words in ("init -q", "add -A", "-c user.name=t -c user.email=t@hello.example commit -qm all"):
        _ran("git", *words.split(), cwd=folder, env=dates)
    said = {**environment, "SOURCE_DIR": str(programs), "PACKAGE_FORMATS": "all"}
    _slipway(folder, said, "package-all", "PLATFORMS=all", "PARALLEL=true")
    return folder / "packages"


@pytest.mark.req("S0-13", "S0-20", "S0-35", "S0-39")
def test_every_format_of_every_platform_is_sound_and_the_same_twice(built: Built, tmp_path: Path) -> None:
    programs = built.folder / "dist/platform"
    first = _packed(tmp_path / "one" / "provisioning", programs, built.environment)
    for kind, count in FORMATS.items():
        assert len(list(first.rglob(kind))) == count, kind
    assert "FAILED" not in _slipway(first.parent, built.environment, "validate-package", "packages")
    subprocess.run(["sha256sum", "-c", "--quiet", "packages/checksums.sha256"], cwd=first.parent, check=True)
    second = _packed(tmp_path / "another way" / "provisioning", programs, {**built.environment, "TZ": "Asia/Tokyo", "LANG": "C"})
    assert _digests(first) == _digests(second)


@pytest.mark.req("S0-18")
@pytest.mark.parametrize("family", ["linux", "macos", "windows", "freebsd"])
def test_a_family_has_a_target_of_its_own(built: Built, family: str) -> None:
    built.slipway(family)
    made = {path.name for path in (built.folder / "packages").iterdir() if f"-{family}-" in path.name}
    assert made, family


def test_the_table_in_the_manual_says_what_was_measured(built: Built) -> None:
    rows = [platform_table.row(name, built.folder, built.seconds.get(name), built.environment) for name in PLATFORMS]
    platform_table.check(rows)


# ---- a real project --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ripgrep(compilers: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A well-known program with dependencies and a build script, as the crate registry has it."""
    scratch = tmp_path_factory.mktemp("ripgrep")
    (scratch / "src").mkdir()
    (scratch / "src/lib.rs").write_text("")
    (scratch / "Cargo.toml").write_text(
        '[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nripgrep = "=14.1.1"\n'
    )
    subprocess.run(["cargo", "vendor", "--quiet", "vendor"], cwd=scratch, check=True, capture_output=True)
    folder = scratch / "vendor" / "ripgrep"
    _slipway(folder, compilers, "init")
    file, listed = folder / "slipway.toml", ", ".join(f'"{name}"' for name in PLATFORMS)
    file.write_text(file.read_text().replace("[project]\n", f"[project]\nplatforms = [{listed}]\n", 1))
    # How well it is optimised is not what is tested here.
    quick = {**compilers, "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_DEBUG": "0"}
    _slipway(folder, quick, "build-cross", "PLATFORMS=all", "PARALLEL=true")
    return Built(folder, quick, {})


@pytest.mark.req("S0-53")
def test_a_real_project_is_compiled_for_every_platform_and_works(ripgrep: Built, wine: Mapping[str, str]) -> None:
    starts: dict[str, tuple[str, ...]] = {
        "linux-amd64": (),
        "linux-amd64-musl": (),
        "linux-arm64": ("qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"),
        "linux-arm64-musl": ("qemu-aarch64-static",),
        "windows-amd64": ("wine",),
    }
    text = ripgrep.folder / "words.txt"
    text.write_text("one\ntwo needle\nthree\n")
    for platform, start in starts.items():
        program = ripgrep.program(platform, "rg")
        assert _ran(*start, program, "--version", env=wine).startswith("ripgrep 14.1.1"), platform
        assert _ran(*start, program, "-n", "n.edle", "words.txt", cwd=ripgrep.folder, env=wine).strip() == "2:two needle", (
            platform
        )
    assert all(ripgrep.program(name, "rg").is_file() for name in PLATFORMS)
