from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from installer_lab import make, picture

from slipway.errors import GateError, SlipwayError
from slipway.installers.host import plan_install
from slipway.platforms import PLATFORMS


@pytest.mark.req("S0-24")
def test_install_and_uninstall_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = make(tmp_path / "kit")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (install,) = plan_install(kit.release, str(home / "opt"))
    assert (install.name, install.always) == ("install:host", True)
    install.run()
    assert (home / "opt/bin/hello").is_file()
    install.run()
    (remove,) = plan_install(kit.release, str(home / "opt"), remove=True)
    remove.run()
    assert picture(home) == {}
    remove.run()


def test_what_the_script_says_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = make(tmp_path / "kit")
    monkeypatch.setenv("HOME", str(tmp_path))
    kit.archive().write_bytes(b"damaged")
    with pytest.raises(SlipwayError, match="is not the archive of this release"):
        plan_install(kit.release, str(tmp_path / "opt"))[0].run()


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (("macos-amd64", "macos-universal"), "macos-universal"),
        (("macos-arm64", "macos-universal"), "macos-arm64"),
        (("macos-universal",), "macos-universal"),
    ],
)
def test_a_mac_takes_its_own_release_before_one_for_all_macs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], chosen: str
) -> None:
    monkeypatch.setattr("slipway.installers.host.host_platform", lambda: PLATFORMS["macos-arm64"])
    kit = make(tmp_path / "kit", platforms=tuple(PLATFORMS[name] for name in asked))
    (step,) = plan_install(kit.release)
    assert step.doc == f"Install hello-1.2.3-{chosen}-complete on this machine"


def test_another_machines_release_is_refused(tmp_path: Path) -> None:
    kit = make(tmp_path / "kit")
    release = replace(kit.release, platforms=(PLATFORMS["freebsd-amd64"],))
    (step,) = plan_install(release)
    with pytest.raises(GateError, match="freebsd-amd64"):
        step.run()
