"""Check a macOS package from outside: its digests, its definition, and that each bill lists what its payload holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from slipway import process
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.layout import Folders, destination
from slipway.manifest import Artifact, Manifest
from slipway.platforms import PLATFORMS
from slipway.verify.bill import Listed, listed_in
from slipway.verify.odc import Packed, packed_in
from slipway.verify.xar import Member, Stretch, data_of, digest_faults, members_of, parsed, uncovered

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_PARTS: Final = ("PackageInfo", "Bom", "Payload", "Scripts")
_SCRIPTS: Final = {"./preinstall": 0o755, "./postinstall": 0o755, "./files": 0o644}
_BOTH: Final = ("macos-amd64", "macos-arm64")
_DAEMONS: Final = "Library/LaunchDaemons"
_PROCESSORS: Final = {"arm64": "arm64", "x86_64": "x86-64", "universal": "x86-64 and arm64"}


def look(path: Path, artifact: Artifact | None, dist: Path, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a package; its distributions are looked for in dist/, two when it is for both processors."""
    lists = () if artifact is None else (Contents.load(each) for each in sorted(dist.glob("*.contents.json")))
    mine = [each for each in lists if artifact and each.variant == artifact.variant and _is_of(each, artifact.platform)]
    yield from _faults(path, {each.platform: each for each in mine}, manifest)


def macpkg_faults(path: Path, contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a package; `contents` lists the files of its distribution where they are known.

    Without a manifest it is somebody else's package, of which only what holds for every package is checked.
    """
    yield from _faults(path, {} if contents is None else {contents.platform: contents}, manifest)


def _is_of(contents: Contents, platform: str) -> bool:
    return contents.platform == platform or (not platform and contents.platform in _BOTH)


def _faults(path: Path, lists: Mapping[str, Contents], manifest: Manifest | None) -> Iterator[str]:
    members = members_of(path)
    faults = [fault for member in members.values() for fault in digest_faults(path, member)]
    yield from faults
    if faults or manifest is None:
        return
    yield from uncovered(path, members)
    yield from (f"{each.path} belongs to {each.owner}, not to root" for each in members.values() if each.owner != "0:0")
    folders = sorted({name.partition("/")[0] for name in members if name.endswith(".pkg/PackageInfo")})
    components = [_Component.read(path, members, folder) for folder in folders]
    yield from _definition_faults(path, members, components, manifest)
    for component in components:
        yield from component.faults(manifest)
        yield from component.compared(next((each for each in lists.values() if component.is_of(each)), None), manifest.name)
    for each in lists.values():
        if not any(component.is_of(each) for component in components):
            yield f"it holds nothing for {each.platform}"


@dataclass(frozen=True, slots=True)
class _Component:
    """A component package, read whole."""

    folder: str
    info: Element
    listed: Mapping[str, Listed]
    payload: Sequence[Packed]
    scripts: Sequence[Packed]

    @classmethod
    def read(cls, path: Path, members: Mapping[str, Member], folder: str) -> _Component:
        """Read a component; raises VerificationError when a part is missing or damaged."""
        found = {name.removeprefix(f"{folder}/"): each for name, each in members.items() if name.startswith(f"{folder}/")}
        if set(found) != set(_PARTS):
            raise VerificationError(f"{folder} holds {', '.join(sorted(found))}, not {', '.join(_PARTS)}")
        info = parsed(data_of(path, found["PackageInfo"]), f"{folder}/PackageInfo")
        bill = listed_in(data_of(path, found["Bom"]))
        return cls(folder, info, bill, _archive(path, found["Payload"]), _archive(path, found["Scripts"]))

    @property
    def identifier(self) -> str:
        """The name of its receipt."""
        return self.info.get("identifier", "")

    @property
    def processor(self) -> str:
        """Its processor, or `universal`."""
        return self.identifier.rpartition(".")[2]

    def is_of(self, contents: Contents) -> bool:
        """Whether it was made from a distribution."""
        platform = PLATFORMS.get(contents.platform)
        return platform is not None and platform.pkg in {self.processor, "arm64,x86_64" * (self.processor == "universal")}

    def faults(self, manifest: Manifest) -> Iterator[str]:
        """Say what is wrong with it by itself."""
        for each in (*self.payload, *self.scripts):
            yield from (f"{self.folder}: {fault}" for fault in _kept_faults(each, manifest.epoch))
        yield from _twice(self.payload)
        yield from (f"{self.folder}: {fault}" for fault in _bill_faults(self.listed, self.payload))
        yield from (f"{self.folder}: {fault}" for fault in self._info_faults(manifest))
        yield from (f"{self.folder}: {fault}" for fault in _script_faults(self.scripts, self.payload))
        yield from (f"{self.folder}: {fault}" for fault in _daemon_faults(self.payload))
        wanted = f"Mach-O {_PROCESSORS.get(self.processor, 'of no processor')}"
        for each in self.payload:
            if each.kind.startswith("Mach-O") and each.kind != wanted:
                yield f"{self.folder}: {each.path} is {each.kind}, not {wanted}"

    def _info_faults(self, manifest: Manifest) -> Iterator[str]:
        payload = self.info.find("payload")
        kilobytes = sum(-(-each.size // 1024) for each in self.payload)
        said = (None, None) if payload is None else (payload.get("numberOfFiles"), payload.get("installKBytes"))
        if said != (str(len(self.payload)), str(kilobytes)):
            yield f"its PackageInfo says {said[0]} files and {said[1]} KiB, not {len(self.payload)} and {kilobytes}"
        if self.info.get("version") != manifest.version:
            yield f"its version is {self.info.get('version')}, not {manifest.version}"
        if self.info.get("install-location") != "/" or self.info.get("auth") != "root":
            yield "its PackageInfo does not install into the system as root"
        for name in ("preinstall", "postinstall"):
            if (script := self.info.find(f"scripts/{name}")) is None or script.get("file") != f"./{name}":
                yield f"its PackageInfo does not run {name}"

    def compared(self, contents: Contents | None, name: str) -> Iterator[str]:
        """Say how its payload differs from its distribution."""
        if contents is None:
            return
        folders = Folders.macos(name, packed=True)
        wanted = {f".{destination(file.path, name, folders)}": file for file in contents.files}
        found = {each.path: each for each in self.payload if each.is_file}
        for path, file in wanted.items():
            if path not in found or found[path].sha256 != file.sha256:
                yield f"{self.folder}: {file.path} of the distribution is not in it"
            elif found[path].mode & 0o7777 != file.mode:
                yield f"{self.folder}: {path} has the mode {found[path].mode & 0o7777:04o}, not {file.mode:04o}"
        made = re.compile(rf"\./{_DAEMONS}/[^/]+\.plist|\./usr/local/share/{re.escape(name)}/uninstall\.sh")
        for path in sorted(found.keys() - wanted.keys()):
            if not made.fullmatch(path):
                yield f"{self.folder}: {path} is not among the distribution's files"
        above = {"/".join(path.split("/")[:end]) for path in found for end in range(1, path.count("/") + 1)}
        stray = (each.path for each in self.payload if each.is_folder and each.path not in above)
        yield from (f"{self.folder}: {path} is a folder of no file of the distribution" for path in stray)


def _archive(path: Path, member: Member) -> tuple[Packed, ...]:
    with path.open("rb") as file:
        try:
            return tuple(packed_in(Stretch(file, member)))  # type: ignore[arg-type]
        except VerificationError as fault:
            raise VerificationError(f"{member.path}: {fault.message}") from fault


def _kept_faults(each: Packed, epoch: int) -> Iterator[str]:
    if each.path != "." and (not each.path.startswith("./") or {"", ".."} & set(each.path.split("/")) or "\\" in each.path):
        yield f"{each.path} points out of the package"
    if each.owner != "0:0":
        yield f"{each.path} belongs to {each.owner}, not to root"
    if each.time != epoch:
        yield f"{each.path} is of another time than the release"
    if each.is_folder and each.mode & 0o7777 != 0o755:
        yield f"{each.path} is a folder with the mode {each.mode & 0o7777:04o}, not 0755"
    if each.is_file and each.path.startswith("./usr/local/bin/") and not each.mode & 0o111:
        yield f"{each.path} cannot be run"


def _twice(payload: Sequence[Packed]) -> Iterator[str]:
    seen: set[str] = set()
    for each in payload:
        # The file system that it goes to holds one of two names that differ in case alone.
        if each.path.lower() in seen:
            yield f"{each.path} is there twice"
        seen.add(each.path.lower())


def _bill_faults(listed: Mapping[str, Listed], payload: Iterable[Packed]) -> Iterator[str]:
    found = {each.path: each for each in payload}
    yield from (f"{path} is in the bill, but not in the payload" for path in sorted(listed.keys() - found.keys()))
    for path, each in found.items():
        if path not in listed:
            yield f"{path} is not in the bill"
        elif listed[path] != Listed(path, each.mode, each.owner, each.time, each.size, each.checksum if each.is_file else 0):
            yield f"the bill says otherwise about {path} than the payload"


def _script_faults(scripts: Sequence[Packed], payload: Sequence[Packed]) -> Iterator[str]:
    found = {each.path: each for each in scripts if each.is_file}
    if {name: each.mode & 0o7777 for name, each in found.items()} != _SCRIPTS:
        yield f"its scripts are {', '.join(sorted(found)) or 'none'}, or not as they should be run"
        return
    if found["./files"].data.decode("utf-8", "replace") != "".join(f"{each.path[2:]}\n" for each in payload if each.is_file):
        yield "the list of files beside its scripts is not that of its payload"
    texts = {name: each for name, each in found.items() if name != "./files"}
    texts |= {each.path: each for each in payload if each.path.endswith("/uninstall.sh")}
    for name, each in texts.items():
        done = process.run(["sh", "-n"], stdin=each.data.decode("utf-8", "replace"), check=False)
        if done.code:
            yield f"a shell cannot read {name}: {done.output.strip()}"


def _daemon_faults(payload: Sequence[Packed]) -> Iterator[str]:
    import plistlib
    from xml.parsers.expat import ExpatError

    found = {each.path: each for each in payload}
    for path, each in found.items():
        if not path.startswith(f"./{_DAEMONS}/"):
            continue
        try:
            said: Any = plistlib.loads(each.data)
        except (ValueError, TypeError, AttributeError, LookupError, ExpatError) as fault:
            yield f"{path} is no property list: {fault}"
            continue
        words = said.get("ProgramArguments") if isinstance(said, dict) else None
        if each.mode & 0o7777 != 0o644 or not words or f"{said.get('Label')}.plist" != path.rpartition("/")[2]:
            yield f"launchd would not take {path}"
        elif (program := found.get(f".{words[0]}")) is None or not program.mode & 0o111:
            yield f"{path} starts {words[0]}, which is no program of the package"


def _definition_faults(
    path: Path, members: Mapping[str, Member], components: Sequence[_Component], manifest: Manifest
) -> Iterator[str]:
    if "Distribution" not in members or not components:
        yield "it is no product archive: it has no Distribution, or nothing to install"
        return
    definition = parsed(data_of(path, members["Distribution"]), "Distribution")
    said = {(each.text or ""): each for each in definition.findall("pkg-ref") if each.text}
    if set(said) != {f"#{component.folder}" for component in components}:
        yield f"its Distribution installs {', '.join(sorted(said)) or 'nothing'}"
        return
    chosen = [each.get("id") for each in definition.findall("choice/pkg-ref")]
    if sorted(map(str, chosen)) != sorted(component.identifier for component in components):
        yield "its Distribution does not choose what it installs"
    for component in components:
        each = said[f"#{component.folder}"]
        if (each.get("id"), each.get("version")) != (component.identifier, manifest.version):
            yield f"its Distribution calls {component.folder} {each.get('id')} {each.get('version')}"
    yield from _option_faults(definition, {component.processor for component in components})
    shown = {f"Resources/{each.get('file')}" for kind in ("welcome", "readme", "license") for each in definition.findall(kind)}
    parts = {f"{component.folder}/{name}" for component in components for name in _PARTS}
    if other := set(members) ^ {"Distribution", *shown, *parts}:
        yield f"it holds what its Distribution does not name, or the other way round: {', '.join(sorted(other))}"


def _option_faults(definition: Element, processors: set[str]) -> Iterator[str]:
    options, domains = definition.find("options"), definition.find("domains")
    hosts = set("" if options is None else (options.get("hostArchitectures") or "").split(","))
    if hosts != ({"arm64", "x86_64"} if processors == {"universal"} else processors):
        yield f"its Distribution is for {', '.join(sorted(map(str, hosts)))}, its parts are for {', '.join(sorted(processors))}"
    wanted = {"enable_anywhere": "false", "enable_currentUserHome": "false", "enable_localSystem": "true"}
    if domains is None or domains.attrib != wanted:
        yield "its Distribution lets it be installed elsewhere than in the system"
