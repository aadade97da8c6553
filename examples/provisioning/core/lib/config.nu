# The call of the `provisioning` command, and the check of its configuration.
# The command takes its orchestrator or folder from its configuration, or from the
# variables PROVISIONING_ORCHESTRATOR and PROVISIONING_DATA_DIR.

# Runs the `provisioning` command and gives its JSON answer.
export def call [...words: string]: nothing -> any {
    let result = (do { ^provisioning --json ...$words } | complete)
    if $result.exit_code != 0 {
        error make {msg: ($result.stderr | str trim)}
    }
    $result.stdout | from json
}

# The version of the platform.
export def version []: nothing -> string {
    ^provisioning --version | str trim | split row " " | last
}

# Checks the configuration: one row for each file, with its errors.
export def validate []: nothing -> table {
    let result = (do { ^provisioning --json validate config } | complete)
    if ($result.stdout | is-empty) {
        error make {msg: ($result.stderr | str trim)}
    }
    $result.stdout | from json | get files
}
