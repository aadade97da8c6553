"""A system for RPM packages, for tests: a Debian with systemd whose rpm believes that the system itself was installed by it."""

from __future__ import annotations

import hashlib

from slipway.containers import Container, Engine, systemd_image

# Debian keeps its own database of RPMs in the user's folder, and does not let rpm be the system's package manager.
_SET_UP = r"""
set -e
mkdir -p /etc/rpm /var/lib/rpm /etc/yum.repos.d /etc/dnf/vars /etc/dnf/protected.d /usr/share/licenses
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
rpm --initdb
cat >/etc/dnf/dnf.conf <<END
[main]
gpgcheck=1
localpkg_gpgcheck=0
clean_requirements_on_remove=True
best=True
module_platform_id=platform:el9
zchunk=False
END
echo 9 >/etc/dnf/vars/releasever
folder=$(mktemp -d)
{
	cat <<END
Name: base-system
Version: 12
Release: 1
Summary: What the system has
License: MIT
BuildArch: noarch
Provides: system-release = 12
Provides: systemd, bash, ca-certificates, rtld(GNU_HASH), /bin/sh, /usr/bin/env
END
	find /lib/x86_64-linux-gnu /lib64 /lib/aarch64-linux-gnu -maxdepth 1 -name '*.so*' 2>/dev/null |
		/usr/lib/rpm/elfdeps -P | sort -u | sed 's/^/Provides: /'
	printf '%%description\nThe system.\n%%files\n'
} >"$folder/base.spec"
rpmbuild -bb --quiet --define "_topdir $folder" "$folder/base.spec"
rpm -i "$folder"/RPMS/noarch/*.rpm
rm -rf "$folder"
# As the systems that use RPM have it: a new service is off until somebody switches it on.
mkdir -p /etc/systemd/system-preset
echo 'disable *' >/etc/systemd/system-preset/99-default.preset
"""
_PACKAGES = "rpm dnf createrepo-c libcap2-bin"


def rpm_image(engine: Engine, base: str) -> str:
    """Return the id of an image with rpm and dnf in which systemd runs as the first process, made once."""
    tag = f"localhost/slipway-rpm:{hashlib.sha256(f'{base}{_SET_UP}{_PACKAGES}'.encode()).hexdigest()[:16]}"
    if found := engine.image_id(tag):
        return found
    install = f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {_PACKAGES}"
    with Container(engine, systemd_image(engine, base), network="host") as box:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        box.exec(f"{install} && rm -rf /var/lib/apt/lists/*", env=quiet, check=True)
        box.exec(_SET_UP, check=True)
        engine.run("commit", "--change", 'CMD ["/lib/systemd/systemd"]', "--change", "ENV container=docker", box.name, tag)
    return engine.image_id(tag) or tag
