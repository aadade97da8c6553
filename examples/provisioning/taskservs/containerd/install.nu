#!/usr/bin/env nu
# Installs containerd on a Debian or Ubuntu machine.

# The command lines, in order.
def steps []: nothing -> list<string> {
    [
        "apt-get update"
        "apt-get install -y containerd"
        "systemctl enable --now containerd"
    ]
}

# Prints the command lines; with --apply, runs them (as root) and stops at the first that fails.
def main [--apply]: nothing -> nothing {
    for step in (steps) {
        print $step
        if $apply {
            ^sh -c $step
        }
    }
}
