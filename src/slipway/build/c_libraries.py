"""The C libraries that well-known crates need: what Debian calls them, and how a crate does without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from slipway.errors import UsageError
from slipway.platforms import Platform, host_platform


@dataclass(frozen=True, slots=True, kw_only=True)
class CLibrary:
    """What a crate needs of the system.

    `package` is Debian's, `links` are the names after `-l`, `header` begins the names of its headers, and `instead` says
    how the crate builds the library itself.
    """

    crate: str
    name: str
    package: str
    links: tuple[str, ...] = ()
    header: str = ""
    instead: str = ""


_ROWS: Final = (
    CLibrary(
        crate="openssl-sys",
        name="OpenSSL",
        package="libssl-dev",
        links=("ssl", "crypto"),
        header="openssl/",
        instead='the feature "vendored" of the crate openssl (or use rustls, which needs no OpenSSL)',
    ),
    CLibrary(
        crate="libz-sys",
        name="zlib",
        package="zlib1g-dev",
        links=("z",),
        header="zlib.h",
        instead='the feature "static" of the crate libz-sys',
    ),
    CLibrary(
        crate="libsqlite3-sys",
        name="SQLite",
        package="libsqlite3-dev",
        links=("sqlite3",),
        header="sqlite3.h",
        instead='the feature "bundled" of the crate rusqlite or libsqlite3-sys',
    ),
    CLibrary(
        crate="libgit2-sys",
        name="libgit2",
        package="libgit2-dev",
        links=("git2",),
        header="git2",
        instead='the feature "vendored-libgit2" of the crate git2',
    ),
    CLibrary(
        crate="libssh2-sys",
        name="libssh2",
        package="libssh2-1-dev",
        links=("ssh2",),
        header="libssh2",
        instead='the feature "vendored-openssl" of the crate ssh2',
    ),
    CLibrary(
        crate="zstd-sys",
        name="Zstandard",
        package="libzstd-dev",
        links=("zstd",),
        header="zstd",
        instead='no feature "pkg-config" of the crate zstd, and ZSTD_SYS_USE_PKG_CONFIG not set',
    ),
    CLibrary(
        crate="bzip2-sys",
        name="bzip2",
        package="libbz2-dev",
        links=("bz2",),
        header="bzlib.h",
        instead='the feature "static" of the crate bzip2',
    ),
    CLibrary(
        crate="lzma-sys",
        name="liblzma",
        package="liblzma-dev",
        links=("lzma",),
        header="lzma",
        instead='the feature "static" of the crate xz2',
    ),
    CLibrary(
        crate="liblzma-sys",
        name="liblzma",
        package="liblzma-dev",
        instead='the feature "static" of the crate liblzma',
    ),
    CLibrary(
        crate="libdbus-sys",
        name="D-Bus",
        package="libdbus-1-dev",
        links=("dbus-1",),
        header="dbus/",
        instead='the feature "vendored" of the crate dbus or libdbus-sys',
    ),
    CLibrary(
        crate="pq-sys",
        name="PostgreSQL's libpq",
        package="libpq-dev",
        links=("pq",),
        header="libpq-fe.h",
        instead='the feature "bundled" of the crate pq-sys',
    ),
    CLibrary(crate="libudev-sys", name="libudev", package="libudev-dev", links=("udev",), header="libudev.h"),
    CLibrary(crate="alsa-sys", name="ALSA", package="libasound2-dev", links=("asound",), header="alsa/"),
)


def of_crate(crate: str) -> CLibrary | None:
    """The library that a crate is known to need."""
    return next((row for row in _ROWS if row.crate == crate), None)


def of_link(name: str) -> CLibrary | None:
    """The library that `-lNAME` asks for."""
    return next((row for row in _ROWS if name in row.links), None)


def of_header(path: str) -> CLibrary | None:
    """The library to which a header belongs."""
    return next((row for row in _ROWS if row.header and path.startswith(row.header)), None)


def how_to_get(platform: Platform, name: str, library: CLibrary | None) -> str:
    """What a user does to compile a crate that needs a library which is not there for the platform."""
    ways = [f"let the crate build it from source: {library.instead}"] if library and library.instead else []
    if platform.libc == "gnu":
        ways.append(_from_debian(platform, library.package if library else "", name))
    if not _is_host(platform):
        ways.append(
            f"compile with CROSS=true in an image that has it: cross-image of [platform.{platform.id}], "
            f"or slipway toolchain image {platform.id}"
        )
    return "; or ".join(ways) or f"install {name} and its headers on this machine"


def _from_debian(platform: Platform, package: str, name: str) -> str:
    foreign = not _is_host(platform)
    install = f"apt-get install pkg-config {package}" if package else f"install the -dev package of {name}"
    if not foreign:
        return install
    folder = f"/usr/lib/{platform.triple.replace('-unknown', '')}/pkgconfig"
    return (
        f"dpkg --add-architecture {platform.deb}, apt-get update, {install}:{platform.deb}, "
        f"and set PKG_CONFIG_ALLOW_CROSS=1 and PKG_CONFIG_PATH={folder}"
    )


def _is_host(platform: Platform) -> bool:
    try:
        return host_platform().triple == platform.triple
    except UsageError:
        return False
