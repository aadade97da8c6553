"""Services that wait for a caller or for their time, in packages for systemd and for FreeBSD."""

from __future__ import annotations

from pathlib import Path

import debs
import freebsds
import pytest

import sample
from slipway.layout import InstallSpec
from slipway.model import Service
from slipway.packagers.systemd import Units

RUNS = Service(name="runs", binary="hello-server", summary="Runs", user="one")
CALLED = Service(name="called", binary="hello-server", summary="Answers", user="one", sockets=("8080",), state=False)
SWEEPS = Service(name="sweeps", binary="hello-server", summary="Sweeps", user="one", schedule="daily", state=False, logs=True)
SPARE = Service(name="spare", binary="hello-server", summary="Waits", user="one", schedule="hourly", enable=False, state=False)


def test_units_are_sorted_by_what_is_to_be_done_with_them(tmp_path: Path) -> None:
    made = sample.release(tmp_path, project=sample.project(tmp_path, services=(RUNS, CALLED, SWEEPS, SPARE)))
    found = Units.of(InstallSpec.of(made, made.cells[0]))
    assert found.every == (
        *("runs.service", "called.socket", "called.service"),
        *("sweeps.timer", "sweeps.service", "spare.timer", "spare.service"),
    )
    assert (found.enabled, found.offered) == (("runs.service", "called.socket", "sweeps.timer"), ("spare.timer",))
    assert found.lasting == ("runs.service", "called.socket", "called.service", "sweeps.timer", "spare.timer")


@pytest.mark.req("S0-54", "S0-58")
def test_a_debian_package_has_sockets_and_timers_and_the_folder_of_logs(tmp_path: Path) -> None:
    deb = debs.pack(debs.linux(tmp_path, services=(CALLED, SWEEPS)))
    units = {path.rpartition("/")[2] for path in deb.files if path.startswith("usr/lib/systemd/system/")}
    assert units == {"called.socket", "called.service", "sweeps.timer", "sweeps.service"}
    assert deb.files["usr/lib/tmpfiles.d/hello.conf"][1] == b"d /var/log/hello 0755 one one -\n"
    postinst, postrm = deb.control["postinst"].decode(), deb.control["postrm"].decode()
    assert "deb-systemd-invoke \"$action\" 'called.socket' 'called.service' 'sweeps.timer' >" in postinst
    assert "rm -rf \"${DPKG_ROOT:-}\"'/var/log/private/hello'" in postrm
    assert "/var/lib/hello" not in postrm


@pytest.mark.req("S0-54")
def test_a_freebsd_package_has_tables_for_cron_and_the_folder_of_logs(tmp_path: Path) -> None:
    found = freebsds.pack(freebsds.freebsd(tmp_path, services=(RUNS, SWEEPS, SPARE)))
    member, data = found.members["/usr/local/etc/cron.d/sweeps"]
    assert (member.mode, b"\n@daily one /usr/local/bin/hello-server " in data) == (0o644, True)
    assert b"\n#@hourly one " in found.members["/usr/local/etc/cron.d/spare"][1]
    assert {path: each["uname"] for path, each in found.whole["directories"].items()} == {
        "/var/db/hello": "one",
        "/var/log/hello": "one",
    }
    for name in ("sweeps", "spare"):
        assert name not in found.script("pre-deinstall")
        assert name not in found.whole["messages"][0]["message"]
