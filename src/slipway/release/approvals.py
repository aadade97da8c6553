"""Approvals: people sign the digest of a plan, so what they have read is what is done, and nothing else.

Who may approve stands in a file of the repository in the form of OpenSSH's allowed signers, one name a line; a line
`NAME minisign RW…` names a key of minisign's, and `NAME gpg FINGERPRINT FILE` an OpenPGP key in a file of the repository.
All of it is read from the commit that is released, not from the work tree.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from slipway import process
from slipway.actions.store import StateFiles
from slipway.errors import ConfigError, GateError, did_you_mean
from slipway.git import Repository
from slipway.git.objects import file_at
from slipway.signing.gnupg import GPG, environment, home_with
from slipway.signing.minisign import Minisign
from slipway.signing.openpgp import Gpg, armored
from slipway.signing.sshsig import Ssh

# Signatures for this purpose count for no other: neither as those of files nor as logins.
NAMESPACE: Final = "slipway-approval"
_KINDS: Final = ("ssh-", "ecdsa-", "sk-")
_PRINT: Final = re.compile(r"[0-9A-Fa-f]{40}")
_EXAMPLE: Final = "a line is: mara@hello.example ssh-ed25519 AAAA…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Somebody who may approve.

    `line` is what OpenSSH reads of an SSH key, with its options, and `public` what gpg reads of an OpenPGP key.
    """

    name: str
    form: Literal["ssh", "minisign", "gpg"]
    key: str
    line: str = ""
    public: bytes = b""


def text_of(digest: str, environment: str, version: str) -> bytes:
    """What an approval signs."""
    return f"slipway approval v1\n{digest}\n{environment}\n{version}\n".encode()


def approvers_of(repository: Repository, commit: str, path: str) -> tuple[Approver, ...]:
    """Who may approve, as the file of a commit says; raises ConfigError when it cannot be read."""
    if not path:
        return ()
    top = repository.top
    below = repository.root.resolve().relative_to(top.resolve()) if top else Path()

    def read(name: str) -> bytes:
        data = file_at(repository, commit, (below / name).as_posix())
        if data is None:
            raise ConfigError(f"{name} is not in {commit[:12]}, and says who approves", hint="commit it, or mend its path")
        return data

    return read_approvers(read(path).decode("utf-8", "replace"), path, read)


def read_approvers(text: str, path: str, read: Callable[[str], bytes]) -> tuple[Approver, ...]:
    """Read the text of the file; raises ConfigError for a line that does not name one person and one key.

    `read` gives the files that it names.
    """
    found: list[Approver] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            found.append(_approver(line.strip(), Path(path), number, read))
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"{path} names {twice[0]} twice", hint="a person has one key there")
    return tuple(found)


def approve(person: Approver, file: str, state: StateFiles, folder: str, *request: str) -> str:
    """Sign a plan's digest, for an environment and a version, and keep the signature; returns its name in the store.

    `file` is the secret key's; without it, the key is looked for where signatures of releases have theirs.
    """
    made = _sign(person, file, text_of(*request))
    if not _is_good(person, made, text_of(*request)):
        raise GateError(f"the signature is not one by {person.name}", hint="sign with the key that the file of approvers names")
    name = _place(folder, request[0], person)
    seen = state.load(name)
    state.save(name, made, seen[1] if seen else None)
    return name


def granted(people: tuple[Approver, ...], state: StateFiles, folder: str, *request: str) -> tuple[str, ...]:
    """Who has approved a plan's digest, for an environment and a version; two names with one key count once."""
    text, found = text_of(*request), dict[str, str]()
    for person in people:
        kept = state.load(_place(folder, request[0], person))
        if kept is not None and _is_good(person, kept[0], text):
            found.setdefault(person.key, person.name)
    return tuple(found.values())


def find_approver(people: tuple[Approver, ...], name: str) -> Approver:
    """The person of a name; raises GateError for somebody who may not approve."""
    known = {person.name: person for person in people}
    if name not in known:
        hint = f"{did_you_mean(name, known)}those who may: {', '.join(known) or 'nobody'}"
        raise GateError(f"{name or 'nobody'} may not approve", hint=hint)
    return known[name]


def _approver(line: str, path: Path, number: int, read: Callable[[str], bytes]) -> Approver:
    words = line.split()
    name = _name(words[0], path, number)
    if len(words) == 3 and words[1] == "minisign":
        return Approver(name=name, form="minisign", key=words[2])
    if len(words) == 4 and words[1] == "gpg" and _PRINT.fullmatch(words[2]):
        return Approver(name=name, form="gpg", key=words[2].upper(), public=read(words[3]))
    kinds = [at for at, word in enumerate(words[:-1]) if word.startswith(_KINDS) and at > 0]
    if not kinds:
        raise ConfigError(f"{line!r} names no key", file=path, line=number, hint=_EXAMPLE)
    if any("cert-authority" in word for word in words[1 : kinds[0]]):
        raise ConfigError("an authority is no person: nobody could say who approved", file=path, line=number, hint=_EXAMPLE)
    return Approver(name=name, form="ssh", key=" ".join(words[kinds[0] : kinds[0] + 2]), line=line)


def _name(word: str, path: Path, number: int) -> str:
    if set(word) & set('*?!,"/'):
        raise ConfigError(f"{word} does not name one person", file=path, line=number, hint=_EXAMPLE)
    return word


def _place(folder: str, digest: str, person: Approver) -> str:
    return f"{folder}/{digest}/{person.name}.sig"


def _sign(person: Approver, file: str, text: bytes) -> bytes:
    if person.form == "ssh":
        return Ssh(key=person.key, file=file).sign([text], NAMESPACE)
    if person.form == "gpg":
        return armored(Gpg(key=person.key, epoch=int(time.time()), file=file).sign([text]))
    with _in_file(text) as path:
        return Minisign(key=person.key, epoch=int(time.time()), file=file).signatures(path)[".minisig"]


def _is_good(person: Approver, signature: bytes, text: bytes) -> bool:
    return _CHECKS[person.form](person, signature, text)


def _ssh_is_good(person: Approver, signature: bytes, text: bytes) -> bool:
    with _in_file(signature) as made, _in_file(f"{person.line}\n".encode()) as allowed:
        words = ("-Y", "verify", "-f", allowed, "-I", person.name, "-n", NAMESPACE, "-s", made)
        return process.run(("ssh-keygen", *words), stdin=[text], check=False).code == 0


def _minisign_is_good(person: Approver, signature: bytes, text: bytes) -> bool:
    with _in_file(signature) as made, _in_file(text) as signed:
        return process.run(("minisign", "-V", "-P", person.key, "-x", made, "-m", signed), check=False).code == 0


def _gpg_is_good(person: Approver, signature: bytes, text: bytes) -> bool:
    with _in_file(signature) as made, _in_file(text) as signed:
        words = (*GPG, "--status-fd", "1", "--verify", made, signed)
        done = process.question(words, env=environment(home_with([person.public])))
    # The last word is the fingerprint of the primary key (GnuPG, doc/DETAILS).
    valid = [line.split()[-1] for line in done.answer.splitlines() if line.startswith("[GNUPG:] VALIDSIG ")]
    return done.code == 0 and valid == [person.key]


_CHECKS: Final[Mapping[str, Callable[[Approver, bytes, bytes], bool]]] = {
    "ssh": _ssh_is_good,
    "minisign": _minisign_is_good,
    "gpg": _gpg_is_good,
}


@contextmanager
def _in_file(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        path = Path(folder) / "data"
        path.write_bytes(data)
        yield path
