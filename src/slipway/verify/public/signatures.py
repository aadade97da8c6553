"""The check that signatures, as the public gets them, are good and by the keys of the project."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from slipway.actions.action import OnStore, Probe, Receipt, State
from slipway.actions.site import Site
from slipway.actions.store import Content
from slipway.errors import GateError, SlipwayError, VerificationError
from slipway.files import digest_file
from slipway.rules import SignRules
from slipway.verify.public.download import get
from slipway.verify.public.files import token_of
from slipway.verify.public.serving import reachable
from slipway.verify.signatures import Keyring, signature_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature and what it signs."""

    signature: Content
    signed: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSignatures(OnStore):
    """Download the signatures of a store's files and check them; `rules` say which keys are trusted, and no secrets."""

    KIND: ClassVar[str] = "public-signatures"
    PHASE: ClassVar[str] = "check"
    pairs: tuple[Signed, ...]
    rules: SignRules

    @property
    def key(self) -> str:
        """`check/site/signatures`; no file has this name, which has no folder."""
        return f"check/{self.store}/signatures"

    @property
    def size(self) -> int:
        """The signatures' size; what they sign is rarely downloaded a second time."""
        return sum(pair.signature.size for pair in self.pairs)

    def describe(self) -> str:
        """`check the 12 signatures of what site gives out`."""
        return f"check the {len(self.pairs)} signature{'s' if len(self.pairs) > 1 else ''} of what {self.store} gives out"

    def probe(self, site: Site) -> Probe:
        """Whether these signatures were checked, and nothing changed since."""
        now, done = self._now(site), site.done.get(self.key)
        if done is None or not now["tokens"] or dict(done.after) != now:
            return Probe(state=State.ABSENT)
        return Probe(state=State.SAME, now=now)

    def apply(self, site: Site) -> Receipt:
        """Check each; raises VerificationError with every fault, GateError when one cannot be judged here."""
        keys, found, unjudged = Keyring.of(self.rules, site.root), list[str](), list[GateError]()
        with reachable(site, self.store):
            for pair in self.pairs:
                try:
                    found += [f"{pair.signature.name}: {fault}" for fault in self._faults(site, pair, keys)]
                except GateError as error:
                    unjudged.append(error)
        if found:
            lines = "".join(f"\n  {line}" for line in found)
            hint = "do not let anybody install this: sign with the keys that [sign] names, under a new version"
            raise VerificationError(f"{self.store} gives out signatures that are not good:{lines}", hint=hint)
        if unjudged:
            raise unjudged[0]
        return Receipt(after=self._now(site), digest=self._digest)

    def revert(self, site: Site, receipt: Receipt) -> str:
        """Checking leaves nothing to undo."""
        del site, receipt
        return "nothing to undo"

    @property
    def _digest(self) -> str:
        """What stands for all that is checked."""
        return _digest_of(f"{pair.signature.sha256} {pair.signed.sha256}" for pair in self.pairs)

    def _now(self, site: Site) -> dict[str, str]:
        tokens = [token_of(site, self.store, each) for pair in self.pairs for each in (pair.signature, pair.signed)]
        return {"tokens": _digest_of(tokens) if all(tokens) else "", "sha256": self._digest}

    def _faults(self, site: Site, pair: Signed, keys: Keyring) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            signature, signed = Path(folder) / pair.signature.file, Path(folder) / pair.signed.file
            self._download(site, pair.signature, signature)
            # The bytes that every check here compares the public's with are as good as the public's, and nearer.
            here = site.outputs / pair.signed.path
            if here.is_file() and digest_file(here) == pair.signed.sha256:
                signed.symlink_to(here)
            else:
                self._download(site, pair.signed, signed)
            try:
                yield from signature_faults(signature, keys)
            except GateError as error:
                hint = error.hint or "name the project's public keys in [sign] public-keys"
                raise GateError(f"{pair.signature.name}: {error.message}", hint=hint) from error
            except OSError as error:
                raise SlipwayError(f"{pair.signature.name} cannot be checked: {error}") from error

    def _download(self, site: Site, content: Content, target: Path) -> None:
        with target.open("wb") as file:
            get(site.store(self.store).url(content.name), take=file.write)


def _digest_of(words: Iterator[str] | list[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
