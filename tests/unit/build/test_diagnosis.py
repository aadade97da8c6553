"""What cargo, rustc, linkers and zig really said, and what a user is told about it; cargo_says/ holds their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway import console
from slipway.build import c_libraries
from slipway.build.diagnosis import explain
from slipway.errors import NetworkError
from slipway.platforms import PLATFORMS
from slipway.process import Result

SAID = Path(__file__).parent / "cargo_says"
# The file, the platform, and what message and hint must name.
CASES = [
    ("openssl-sys", "linux-arm64", ("openssl-sys", "OpenSSL"), ("vendored", "rustls", "libssl-dev:arm64", "aarch64-linux-gnu")),
    ("openssl-sys", "linux-amd64-musl", ("openssl-sys",), ("vendored", "cross-image of [platform.linux-amd64-musl]")),
    ("openssl-sys", "macos-arm64", ("openssl-sys",), ("vendored",)),
    ("dbus", "linux-arm64", ("crate libdbus-sys needs D-Bus",), ("libdbus-1-dev:arm64", "vendored")),
    ("udev", "linux-arm64", ("crate libudev-sys needs libudev",), ("libudev-dev:arm64",)),
    ("header-zig", "linux-arm64", ("crate hdr", "dbus/dbus.h"), ("libdbus-1-dev:arm64",)),
    ("header-gcc", "linux-amd64", ("crate hdr", "dbus/dbus.h"), ("libdbus-1-dev",)),
    ("library-zig", "linux-arm64", ("linking lib needs libfoo",), ("-dev package of libfoo",)),
    ("library-ld", "linux-amd64", ("linking lib needs libfoo",), ("libfoo",)),
    ("library-macos", "macos-arm64", ("linking lib needs libfoo",), ("cross-image",)),
    ("library-mingw", "windows-amd64", ("linking lib needs libfoo",), ("cross-image",)),
    ("framework", "macos-arm64", ("Apple's framework Security",), ("SDKROOT", "rustls")),
    ("no-std", "linux-arm64", ("standard library", "missing"), ("slipway toolchain install linux-arm64",)),
    ("other-compiler", "linux-amd64", ("another compiler",), ("slipway toolchain install linux-amd64",)),
    ("unknown-target", "freebsd-amd64", ("does not know the target",), ("x86_64-unknown-freebsd",)),
    ("old-glibc", "linux-amd64", ("glibc 2.5 has no getauxval",), ("[platform.linux-amd64]", "2.17")),
    ("killed", "linux-amd64", ("memory",), ("CARGO_BUILD_JOBS=1", "PARALLEL=false", "codegen-units")),
    ("no-memory", "linux-amd64", ("memory",), ("CARGO_BUILD_JOBS=1",)),
    ("no-memory-to-start", "linux-amd64", ("memory",), ("CARGO_BUILD_JOBS=1",)),
    ("full-linker", "linux-amd64", ("disk is full",), ("free some space",)),
    ("full-rustc", "linux-amd64", ("disk is full",), ("free some space",)),
    ("full-incremental", "linux-amd64", ("disk is full",), ("free some space",)),
    ("no-linker", "linux-arm64", ("no linker no-such-linker",), ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",)),
    ("no-c-compiler", "linux-arm64", ("crate hdr needs a C compiler", "riscv64-linux-gnu-gcc"), ("zigbuild",)),
    ("refused", "linux-amd64", ("crate ce is not made for linux-amd64",), ("[project] platforms",)),
    ("no-windres", "windows-amd64", ("build script of res",), ("windres",)),
]


@pytest.mark.req("S0-59")
@pytest.mark.parametrize(("file", "platform", "message", "hint"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_the_reason_and_the_way_out_are_named(file: str, platform: str, message: tuple[str, ...], hint: tuple[str, ...]) -> None:
    said = (SAID / f"{file}.txt").read_text()
    error = explain(PLATFORMS[platform], Result(101, said))
    first, *rest = error.message.splitlines()
    assert first.startswith(f"compiling for {platform} failed: ")
    assert all(word in first for word in message), first
    assert error.hint is not None
    assert all(word in error.hint for word in hint), error.hint
    assert error.exit_code == 1
    # cargo's own words follow, without what is only of use to cargo.
    assert any("error" in line for line in rest)
    assert not any("cargo:rerun-if" in line or line.strip().endswith(" unset") for line in rest)


def test_a_host_needs_no_foreign_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_libraries, "host_platform", lambda: PLATFORMS["linux-amd64"])
    hint = str(explain(PLATFORMS["linux-amd64"], Result(101, (SAID / "openssl-sys.txt").read_text())).hint)
    assert hint.endswith("or apt-get install pkg-config libssl-dev")


@pytest.mark.parametrize("code", [-9, 137])
def test_cargo_itself_was_killed(code: int) -> None:
    error = explain(PLATFORMS["linux-amd64"], Result(code, "   Compiling hello v1.0.0\n"))
    assert "memory" in error.message
    assert "Compiling hello" in error.message


def test_the_network_has_its_own_exit_code() -> None:
    said = "error: failed to download `cc v1.0.0`\n\nCaused by:\n  Could not resolve host: crates.example\n"
    error = explain(PLATFORMS["linux-amd64"], Result(101, said))
    assert isinstance(error, NetworkError)
    assert error.exit_code == 42


def test_what_nobody_knows_is_shown_as_it_is() -> None:
    said = "   Compiling hello v1.0.0\nerror[E0308]: mismatched types\n --> src/main.rs:1:26\n"
    error = explain(PLATFORMS["linux-amd64"], Result(101, said))
    assert error.message.splitlines() == [
        "compiling for linux-amd64 failed with exit code 101",
        "    error[E0308]: mismatched types",
        "     --> src/main.rs:1:26",
    ]
    assert error.hint == f"the whole output is in {console.log_name()}"


def test_the_crate_that_failed_is_named_among_several() -> None:
    other = "error: failed to run custom build command for `libudev-sys v0.1.4`\n\nCaused by:\n  something else\n"
    said = other + (SAID / "openssl-sys.txt").read_text()
    assert "openssl-sys needs" in explain(PLATFORMS["linux-arm64"], Result(101, said)).message
