"""Two slipways that serve different folders at one address of this machine take turns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from beside import free_port

# Serves a folder at an address again and again, and reads from there what only that folder has.
_WORK = """
import sys, urllib.request
from pathlib import Path
from slipway.actions.site import Site
from slipway.environments import DirStore
from slipway.publish.dir import Folder
from slipway.verify.public.serving import reachable

root, url = Path(sys.argv[1]), sys.argv[2]
store = Folder(DirStore(name="site", url=url), root)
site = Site(environment="local", root=root, outputs=root, stores={"site": store})
for _ in range(20):
    with reachable(site, "site"), urllib.request.urlopen(store.url("name")) as answer:
        assert answer.read().decode() == root.name, "somebody else answered"
"""


@pytest.mark.slow
def test_each_gets_what_it_serves(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    runs = []
    for name in ("one", "other", "third"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(name)
        words = [sys.executable, "-c", _WORK, str(tmp_path / name), url]
        runs.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
