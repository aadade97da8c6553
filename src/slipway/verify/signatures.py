"""Check detached signatures, of whatever kind, against the public keys that somebody trusts."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process, tools
from slipway.errors import ConfigError, GateError
from slipway.files import chunks_of
from slipway.manifest import Manifest
from slipway.rules import SignRules
from slipway.signing.gnupg import GPG, environment, home_with
from slipway.signing.minisign import Minisign, key_id
from slipway.signing.openpgp import Gpg
from slipway.signing.sshsig import NAMESPACE, Ssh

SUFFIXES: Final = (".sig", ".asc", ".minisig", ".sshsig")
LIMIT: Final = 1 << 20
_PRINT: Final = re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{8}){2,5})!?")
_SSH: Final = re.compile(rb"(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+")
# What gpg says on its status lines (GnuPG, doc/DETAILS), the worst first.
_VERDICTS: Final = (
    ("BADSIG", "it is a signature of other bytes than those of {file}"),
    ("REVKEYSIG", "the key that made it is revoked: {key}"),
    ("EXPKEYSIG", "the key that made it has expired: {key}"),
    ("EXPSIG", "it has expired"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The public keys by which signatures are checked, and which signatures must be there.

    `openpgp` and `certificates` are keys as they are in files; `gpg` is the only key whose signatures count, when it is
    given by its fingerprint. `suffixes` and `lists` are the endings of the names of the signatures that every artifact
    and every list of checksums must have; `inside_linux` and `inside_windows` say whether packages must have one inside.
    """

    openpgp: tuple[bytes, ...] = ()
    certificates: tuple[bytes, ...] = ()
    minisign: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    gpg: str = ""
    suffixes: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    inside_linux: bool = False
    inside_windows: bool = False

    @classmethod
    def of(cls, rules: SignRules, root: Path, files: tuple[Path, ...] = ()) -> Keyring:
        """The keys that a project names, and those in files; raises ConfigError when one holds none.

        Files that a command line names go before the OpenPGP key of the project.
        """
        found = _sorted_out((*(root / Path(name).expanduser() for name in rules.public_keys), *files))
        whole = _PRINT.fullmatch(rules.gpg.replace(" ", ""))
        suffixes = tuple(suffix for name, made in _OF_KEYS.items() if getattr(rules, name) for suffix in made)
        return cls(
            openpgp=found["openpgp"],
            certificates=(*found["certificates"], *_chain(root, rules.authenticode)),
            minisign=tuple(line.decode() for line in (*found["minisign"], *_said(rules.minisign))),
            ssh=tuple(line.decode() for line in (*found["ssh"], *_said(rules.ssh))),
            gpg=whole[1].upper() if whole and not files else "",
            suffixes=suffixes if "artifacts" in rules.what else (),
            lists=suffixes if "checksums" in rules.what else (),
            inside_linux=bool(rules.gpg) and "packages" in rules.what,
            inside_windows=bool(rules.authenticode) and "packages" in rules.what,
        )


NO_KEYS: Final = Keyring()
_OF_KEYS: Final = {"gpg": Gpg.suffixes, "minisign": Minisign.suffixes, "ssh": Ssh.suffixes}


def _chain(root: Path, name: str) -> tuple[bytes, ...]:
    """The certificates above the one that signs, in the file that a project names."""
    return _sorted_out((root / Path(name).expanduser(),))["certificates"] if name else ()


def _said(key: str) -> tuple[bytes, ...]:
    return (key.encode(),) if key else ()


def signature_faults(path: Path, keys: Keyring) -> Iterator[str]:
    """Say what is wrong with the signature in a file; raises GateError when it cannot be judged for want of a key or a tool."""
    data = _read(path)
    if data.startswith(b"-----BEGIN PGP PUBLIC KEY"):
        return
    signed = path.with_name(path.name.removesuffix(path.suffix))
    if not signed.is_file():
        yield f"there is no {signed.name} that it could sign"
    elif (judge := _judge_of(data)) is None:
        yield "it is no signature of a known kind"
    else:
        yield from judge(path, signed, keys)


def missing_signatures(manifest: Manifest, keys: Keyring) -> Iterator[tuple[str, str]]:
    """The paths of artifacts that lack a signature, and which."""
    names = {each.name for each in manifest.artifacts}
    for artifact in manifest.artifacts:
        for suffix in keys.suffixes if not artifact.signs else ():
            if f"{artifact.name}{suffix}" not in names:
                yield artifact.path, f"it is not signed: there is no {artifact.name}{suffix} in the manifest"
    for name in ("SHA256SUMS", *(["SHA512SUMS"] if any("sha512" in each.digests for each in manifest.artifacts) else [])):
        for suffix in keys.lists:
            if f"{name}{suffix}" not in names:
                yield name, f"it is not signed: there is no {name}{suffix} in the manifest"


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LIMIT)


_Judge = Callable[[Path, Path, Keyring], Iterator[str]]


def _judge_of(data: bytes) -> _Judge | None:
    heads: tuple[tuple[bytes, _Judge], ...] = (
        (b"-----BEGIN PGP SIGNATURE", _openpgp),
        (b"-----BEGIN SSH SIGNATURE", _ssh),
        (b"untrusted comment:", _minisign),
    )
    if found := next((judge for head, judge in heads if data.startswith(head)), None):
        return found
    # The first byte of a packet with tag 2, in the old form with any length and in the new one (RFC 4880, section 4.2).
    return _openpgp if data and (data[0] & 0xFC == 0x88 or data[0] == 0xC2) else None


def openpgp_faults(signature: bytes, signed: Iterable[bytes], name: str, keys: Keyring) -> Iterator[str]:
    """Say what is wrong with an OpenPGP signature over the bytes of what is called `name`."""
    tools.require("gpg")
    home = home_with(keys.openpgp) if keys.openpgp else None
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        detached = Path(folder) / "signature"
        detached.write_bytes(signature)
        argv = (*GPG, "--status-fd", "1", "--verify", "--", str(detached), "-")
        done = process.run(argv, env=environment(home), stdin=signed, check=False)
    lines = [line.split(" ") for line in done.output.splitlines() if line.startswith("[GNUPG:] ")]
    yield from _verdict({line[1]: line[2:] for line in lines}, name, keys)
    if sum(line[1] == "NEWSIG" for line in lines) > 1:
        yield "there is more than one signature in it"


def _verdict(said: Mapping[str, list[str]], name: str, keys: Keyring) -> Iterator[str]:
    """What the status lines of gpg come to, by their first words."""
    if found := next((text.format(file=name, key=" ".join(said[word])) for word, text in _VERDICTS if word in said), ""):
        yield found
    elif "NO_PUBKEY" in said and not keys.openpgp:
        raise GateError(f"the key {said['NO_PUBKEY'][0]} that made it is not here, so it cannot be checked")
    elif "NO_PUBKEY" in said:
        yield f"it is by the key {said['NO_PUBKEY'][0]}, which is none of those that are trusted"
    elif "GOODSIG" not in said or not (valid := said.get("VALIDSIG")):
        yield "gpg finds no good signature in it"
    elif keys.gpg and not any(one.endswith(keys.gpg) for one in (valid[0], valid[-1])):
        yield f"it is by the key {valid[-1]}, and not by {keys.gpg}"


def _openpgp(path: Path, signed: Path, keys: Keyring) -> Iterator[str]:
    with signed.open("rb") as file:
        yield from openpgp_faults(_read(path), chunks_of(file), signed.name, keys)


def _minisign(path: Path, signed: Path, keys: Keyring) -> Iterator[str]:
    lines = _read(path).decode("ascii", "replace").splitlines()
    number = key_id(lines[1]) if len(lines) > 1 else b""
    if not keys.minisign:
        raise GateError("no public key for minisign is given, so it cannot be checked")
    key = next((one for one in keys.minisign if key_id(one) == number), None)
    if key is None:
        yield f"it is by the key {number[::-1].hex().upper()}, which is none of those that are trusted"
        return
    tools.require("minisign")
    done = process.run(("minisign", "-V", "-q", "-P", key, "-x", path, "-m", signed), check=False)
    if done.code:
        yield f"it is no signature of {signed.name}: {done.output.strip()}"


def _ssh(path: Path, signed: Path, keys: Keyring) -> Iterator[str]:
    if not keys.ssh:
        raise GateError("no public SSH key is given, so it cannot be checked")
    tools.require("ssh-keygen")
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder, signed.open("rb") as file:
        allowed = Path(folder) / "allowed"
        allowed.write_text("".join(f'signer namespaces="{NAMESPACE}" {key}\n' for key in keys.ssh))
        argv = ("ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "signer", "-n", NAMESPACE, "-s", path)
        done = process.run(argv, stdin=chunks_of(file), check=False)
    if done.code:
        yield f"it is no signature of {signed.name} by a key that is trusted: {done.output.strip()}"


def _sorted_out(paths: tuple[Path, ...]) -> dict[str, tuple[bytes, ...]]:
    """The keys in some files, by the fields of a Keyring."""
    found: dict[str, tuple[bytes, ...]] = {"openpgp": (), "certificates": (), "minisign": (), "ssh": ()}
    for path in paths:
        try:
            kind, keys = _kind_of(_read(path))
        except OSError as error:
            raise ConfigError(f"the key {path} cannot be read: {error.strerror}", hint="check [sign] public-keys") from error
        if not keys:
            hint = "a public key is an OpenPGP, a minisign or an SSH key, or a PEM certificate"
            raise ConfigError(f"there is no public key in {path}", hint=hint)
        found[kind] += keys
    return found


def _kind_of(data: bytes) -> tuple[str, tuple[bytes, ...]]:
    if b"-----BEGIN CERTIFICATE" in data:
        return "certificates", (data,)
    # The first byte of a packet with tag 6, in the old form and in the new one (RFC 4880, section 4.2).
    if b"-----BEGIN PGP PUBLIC KEY" in data or data[:1] in {b"\x98", b"\x99", b"\xc6"}:
        return "openpgp", (data,)
    if lines := re.findall(rb"^RW[A-Za-z0-9+/]{54}$", data, re.MULTILINE):
        return "minisign", tuple(lines)
    return "ssh", tuple(_SSH.findall(data))
