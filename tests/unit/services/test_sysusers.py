"""The accounts and folders of services, as systemd reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import sample
from slipway.layout import Folders, InstallSpec
from slipway.model import Service
from slipway.services.sysusers import sysusers, tmpfiles, users_of

FOLDERS = Folders.packaged("hello", "hello")
USER = 'u hello - "hello services" /var/lib/hello -\n'
STATE = "d /var/lib/hello 0755 hello hello -\n"


def spec(folder: Path, *users: str, state: bool = True) -> InstallSpec:
    made = sample.release(folder)
    services = tuple(
        Service(name=f"s{n}", binary="hello", summary="Serve", user=user, state=state) for n, user in enumerate(users)
    )
    return replace(InstallSpec.of(made, sample.cell(made, "linux-amd64-complete")), services=services)


@pytest.mark.parametrize(
    ("users", "state", "accounts", "folders"),
    [
        ((), True, "", ""),
        (("",), True, "", ""),
        (("root",), True, "", ""),
        (("hello",), True, USER, STATE),
        (("hello",), False, USER, ""),
        (("hello", "hello"), True, USER, STATE),
        (("hello", "root"), True, USER, ""),
        (("hello", ""), True, USER, ""),
        (("other", "hello"), True, USER + USER.replace("u hello", "u other"), ""),
    ],
)
def test_accounts_and_folders(tmp_path: Path, users: tuple[str, ...], state: bool, accounts: str, folders: str) -> None:
    made = spec(tmp_path, *users, state=state)
    assert (sysusers(made, FOLDERS), tmpfiles(made, FOLDERS)) == (accounts, folders)


def test_names_that_systemd_would_read_otherwise_are_quoted(tmp_path: Path) -> None:
    folders = replace(FOLDERS, state='/var/lib/a b%c"d')
    made = spec(tmp_path, "hello")
    assert sysusers(made, folders) == 'u hello - "hello services" "/var/lib/a b%%c\\"d" -\n'
    assert tmpfiles(made, folders) == 'd "/var/lib/a b%%c\\"d" 0755 hello hello -\n'
    assert users_of(made) == ("hello",)


def test_the_folder_of_logs_has_an_owner_as_the_one_of_state_has(tmp_path: Path) -> None:
    made = spec(tmp_path, "hello", "")
    services = tuple(replace(service, state=False, logs=service.user == "hello") for service in made.services)
    assert tmpfiles(replace(made, services=services), FOLDERS) == "d /var/log/hello 0755 hello hello -\n"
    assert tmpfiles(replace(made, services=(replace(services[0], state=True),)), FOLDERS) == STATE + STATE.replace("lib", "log")
