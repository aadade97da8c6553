# Nushell commands for the provisioning platform.
#
#   use ./core *
#   servers create web-1
#   servers list
#
# Give the folder as a path, as above: Nushell has a module of its own called core.

export module lib/config.nu
export module lib/servers.nu
export module lib/clusters.nu
export module lib/output.nu
