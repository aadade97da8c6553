"""What git's complaints mean to the person who released: who has to do what, and whether a later try can help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from slipway.errors import ChangedError, GateError, NetworkError, SlipwayError, TransientError


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What is said when a complaint has these words."""

    words: re.Pattern[str]
    kind: type[SlipwayError]
    says: str
    hint: str


def _meaning(words: str, kind: type[SlipwayError], says: str, hint: str) -> _Meaning:
    return _Meaning(re.compile(words, re.IGNORECASE), kind, says, hint)


_LATER: Final = "it is tried again; is the network up?"
# The first that fits counts: what another try cannot mend comes before what it may.
_MEANINGS: Final = (
    _meaning(
        r"dubious ownership|unsafe repository",
        GateError,
        "git refuses this folder, because it belongs to another user",
        "git config --global --add safe.directory FOLDER, if you trust what is in it",
    ),
    _meaning(
        r"bad revision|unknown revision|does not have any commits|not a valid object name|invalid reference",
        GateError,
        "there is no such commit or tag here",
        "git commit makes the first commit, and git fetch --tags brings what a server has",
    ),
    _meaning(r"not a git repository", GateError, "this is no git repository", "git init makes one; or is it the wrong folder?"),
    _meaning(
        r"could not read (username|password)|authentication failed|terminal prompts disabled|invalid username or password"
        r"|returned error: 40[13]|permission denied \(|write access to repository not granted|access denied(?! or repository)",
        NetworkError,
        "the server does not let us in",
        "git has to get in without asking: an ssh key in the agent, a credential helper, or a token that may write",
    ),
    _meaning(
        r"host key verification failed",
        NetworkError,
        "the server's host key is not known or has changed",
        "compare its fingerprint with what its owner publishes, then add it: ssh-keyscan HOST >> ~/.ssh/known_hosts",
    ),
    _meaning(
        r"repository .*not found|does not appear to be a git repository|returned error: 404|no such remote"
        r"|repository not exported|not our ref|couldn't find remote ref",
        NetworkError,
        "there is no such repository or ref",
        "git remote -v shows where it is looked for",
    ),
    _meaning(
        r"\[rejected\].*\((non-fast-forward|fetch first)\)",
        GateError,
        "the branch on the server has commits that are not here",
        "fetch and merge them first: a branch is never overwritten",
    ),
    _meaning(
        r"\[rejected\].*\((already exists|would clobber existing tag)\)|tag '.*' already exists",
        GateError,
        "there is such a tag already, at another commit",
        "a published tag is never moved: release a higher version",
    ),
    _meaning(
        r"\[rejected\].*\((stale info|remote ref updated)|\[remote rejected\].*cannot lock ref",
        ChangedError,
        "somebody else changed it in the meantime",
        "fetch, look at what came, and plan again",
    ),
    _meaning(
        r"\[remote rejected\]|pre-receive hook declined|protected branch",
        GateError,
        "the server's own rules refuse it",
        "look at its protected branches and tags, and at who may push",
    ),
    _meaning(
        r"please tell me who you are|empty ident name|unable to auto-detect email",
        GateError,
        "git does not know in whose name to write commits and tags",
        "git config user.name and git config user.email say it",
    ),
    _meaning(
        r"gpg failed to sign|signing failed|secret key not available|no secret key|couldn't load public key",
        GateError,
        "the signature could not be made",
        "is the key there, and can it be used without a question? gpg --list-secret-keys, ssh-add -l",
    ),
    _meaning(
        r"could not resolve|temporary failure in name resolution|connection (was )?(reset|refused|timed out|closed)|timed out"
        r"|failed to connect|couldn't connect|unable to connect|network is unreachable|no route to host|broken pipe"
        r"|early eof|remote end hung up|unexpected disconnect|operation too slow|returned error: (5\d\d|429)|http (5\d\d|429)"
        r"|curl (7|16|18|28|35|52|55|56|92) |gnutls_handshake|ssl_error_syscall|kex_exchange_identification"
        r"|bytes of body are still expected|cannot lock ref|unable to create '[^']*\.lock'|could not read from remote repository",
        TransientError,
        "the server was not reached or did not finish its answer",
        _LATER,
    ),
)


def explained(what: str, output: str) -> SlipwayError:
    """The error for something that git could not do; `what` begins the message, such as `git cannot push to origin`."""
    said = _said(output)
    for meaning in _MEANINGS:
        if meaning.words.search(output):
            return meaning.kind(f"{what}: {meaning.says}{said}", hint=meaning.hint)
    return SlipwayError(f"{what}{said}", hint="the words of git above say why")


def _said(output: str) -> str:
    lines = [line for line in map(str.strip, output.splitlines()) if line and not line.startswith("hint:")]
    return "".join(f"\n    {line}" for line in lines[-6:])
