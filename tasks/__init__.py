"""This project's front end: one module per stage, task creators without logic.

validate-config, compile-platform, bundle-core      build.py
    -> dist-generate                                dist.py
        -> create-archives, package-binaries        package.py
            -> create-installers                    installer.py
                -> test-dist, validate-package      verify.py
                    -> release, cd-deploy, …        release.py
all, linux, …, ci-build, status, clean-dist         project.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Tasks = Iterator[Any]
