"""The documented targets, as doit sees them, for the sample platform in examples/provisioning."""

from slipway.doit import CONFIG as DOIT_CONFIG
from tasks.build import (
    task_build_cross,
    task_build_platform,
    task_bundle_core,
    task_compile_platform,
    task_unit_tests,
    task_validate_all,
    task_validate_config,
    task_validate_kcl,
)
from tasks.dist import task_dist_generate, task_generate_distribution
from tasks.installer import task_create_installers, task_install, task_uninstall
from tasks.package import task_create_archives, task_package_all, task_package_binaries, task_sign
from tasks.project import (
    task_all,
    task_ci_build,
    task_ci_test,
    task_clean_dist,
    task_freebsd,
    task_linux,
    task_macos,
    task_status,
    task_windows,
)
from tasks.release import (
    task_cd_deploy,
    task_ci_release,
    task_create_release,
    task_release,
    task_release_draft,
    task_upload_artifacts,
)
from tasks.verify import task_test_dist, task_validate_package

__all__ = [
    "DOIT_CONFIG",
    "task_all",
    "task_build_cross",
    "task_build_platform",
    "task_bundle_core",
    "task_cd_deploy",
    "task_ci_build",
    "task_ci_release",
    "task_ci_test",
    "task_clean_dist",
    "task_compile_platform",
    "task_create_archives",
    "task_create_installers",
    "task_create_release",
    "task_dist_generate",
    "task_freebsd",
    "task_generate_distribution",
    "task_install",
    "task_linux",
    "task_macos",
    "task_package_all",
    "task_package_binaries",
    "task_release",
    "task_release_draft",
    "task_sign",
    "task_status",
    "task_test_dist",
    "task_uninstall",
    "task_unit_tests",
    "task_upload_artifacts",
    "task_validate_all",
    "task_validate_config",
    "task_validate_kcl",
    "task_validate_package",
    "task_windows",
]
