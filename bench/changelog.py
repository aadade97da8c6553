"""Slipway beside a bare `git log` and git-cliff: the whole changelog of a long history.

`python -m bench.changelog REPOSITORY OUT` is slipway's part as a program of its own.
"""

from __future__ import annotations

import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bench.timing import Cost, measured
from slipway.git import Repository
from slipway.model import VersionRule
from slipway.release.changelog import History, write_changelog
from slipway.release.commits import FORM
from slipway.rules import ChangelogRules

COMMITS, TAGS = 8000, 600
HEAD: Final = ("what", "CPU s", "wall s", "MB of memory", "CPU: to git log's (range)")
_TYPES: Final = ("feat", "fix", "docs", "chore", "refactor", "test", "ci", "perf", "build")
# What programs that look after dependencies write below each of their commits.
_BUMP: Final = "- [{0:040x}](https://example.org/commit/{0:040x}) says what that project changed\n"
_BODY: Final = "\n\nWhy it was needed and what was tried before, in a\nparagraph of two lines.\n\nSigned-off-by: {0}\n"
_RUNNING: Final = "slipway, in a process that runs"
Work = Callable[[], Sequence[Path]]


def compare(pairs: int, repository: Path | None = None) -> None:
    """Print the table for a made history, or for a repository of one's own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        root = repository or make_repository(folder / "history.git", COMMITS, TAGS)
        works = _works(root, folder)
        what = repository.name if repository else f"{COMMITS} commits with {TAGS} tags"
        print(f"The whole changelog of {what}; medians of {pairs} rounds, in turns after one to warm up.\n")
        print(_row(*HEAD), _row(*("---" for _ in HEAD)), sep="\n")
        rounds = [{name: _measured(name, work) for name, work in works.items()} for _ in range(pairs + 1)][1:]
        for name in works:
            print(_line(name, [one[name] for one in rounds], [one["git log"] for one in rounds]), flush=True)


def make_repository(root: Path, commits: int, tags: int) -> Path:
    """A history in one line, made by git fast-import from the same numbers each time, with messages as long as real ones."""
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", root], check=True)
    subprocess.run(["git", "-C", root, "fast-import", "--quiet", "--done"], input=b"".join(_stream(commits, tags)), check=True)
    return root


def _stream(commits: int, tags: int) -> Iterator[bytes]:
    numbers = random.Random(6)
    for number in range(1, commits + 1):
        who = f"Person {number % 80} <person{number % 80}@example.org>"
        kind, scope = numbers.choice(_TYPES), numbers.choice(("", "(cli)", "(core)", "(api)"))
        mark = "!" if numbers.random() < 0.005 else ""
        message = f"{kind}{scope}{mark}: change the part that has the number {number} (#{number}){_BODY.format(who)}"
        if number % 4 == 0:
            notes = "".join(_BUMP.format(numbers.getrandbits(160)) for _ in range(25))
            message = f"chore(deps): bump the part that has the number {number} (#{number})\n\n{notes}"
        if number % 37 == 0:
            message += f"Co-authored-by: Friend {number % 11} <friend{number % 11}@example.org>\n"
        data, when = message.encode(), f"{who} {1_500_000_000 + 3600 * number} +0000".encode()
        yield b"commit refs/heads/main\nmark :%d\nauthor %s\ncommitter %s\ndata %d\n%s\n" % (number, when, when, len(data), data)
        yield b"M 100644 inline part%d/file%d\ndata 2\nx\n\n" % (number % 40, number % 400)
        if number % (commits // tags) == 0 and number // (commits // tags) <= tags:
            made = number // (commits // tags)
            tag = b"v%d.%d.%d" % (1 + made // 60, made % 60 // 6, made % 6)
            yield b"tag %s\nfrom :%d\ntagger %s\ndata 4\ntag\n\n" % (tag, number, when)
    yield b"done\n"


def _works(root: Path, folder: Path) -> Mapping[str, Work]:
    alone = (sys.executable, "-m", "bench.changelog", str(root), str(folder / "alone.md"))
    works: dict[str, Work] = {
        "git log": partial(_git_log, root, folder / "log"),
        _RUNNING: partial(_slipway, root, folder / "slipway.md"),
        "slipway, with the start of Python": partial(_run, alone, folder / "alone.md"),
    }
    if shutil.which("git-cliff"):
        out = folder / "cliff.md"
        words = ("git-cliff", "--repository", str(root), "--output", str(out), "--offline")
        works["git-cliff"] = partial(_run, words, out)
    return works


def _measured(name: str, work: Work) -> Cost:
    """Measure some work; what a running process does is measured in this one, which has loaded its modules after one round."""
    if name != _RUNNING:
        return measured(work)
    start, before = time.perf_counter(), _cpu()
    size = sum(path.stat().st_size for path in work())
    return Cost(_cpu() - before, time.perf_counter() - start, size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _git_log(root: Path, out: Path) -> Sequence[Path]:
    with out.open("wb") as file:
        words = ["git", "-C", str(root), "log", "-z", "--decorate=full", f"--format={FORM}", "HEAD"]
        subprocess.run(words, stdout=file, check=True)
    return [out]


def _slipway(root: Path, out: Path) -> Sequence[Path]:
    rules = ChangelogRules(repository="https://github.com/example/history")
    out.write_text(write_changelog(History(Repository(root), "history", VersionRule(source="git"), rules)))
    return [out]


def _run(words: Sequence[str], out: Path) -> Sequence[Path]:
    subprocess.run(words, check=True, capture_output=True, cwd=Path(__file__).parent.parent)
    return [out]


def _line(name: str, costs: Sequence[Cost], base: Sequence[Cost]) -> str:
    ratios = [own.cpu / other.cpu for own, other in zip(costs, base, strict=True)]
    return _row(
        name,
        f"{statistics.median(cost.cpu for cost in costs):.3f}",
        f"{statistics.median(cost.wall for cost in costs):.3f}",
        f"{max(cost.memory for cost in costs) / 1024:.0f}",
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    _slipway(Path(sys.argv[1]), Path(sys.argv[2]))
