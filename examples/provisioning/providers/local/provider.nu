# The local provider: machines that exist already, so nothing has to be made.

# The plans and what they stand for.
export def plans []: nothing -> table {
    [
        [name cpus memory_gb];
        [small 1 2]
        [medium 2 4]
    ]
}

# The command lines that make a server.
export def create-commands [name: string, plan: string]: nothing -> list<string> {
    if $plan not-in (plans | get name) {
        error make {msg: $"the local provider has no plan '($plan)'"}
    }
    [$"ssh ($name) true"]
}

# The command lines that remove a server.
export def delete-commands [name: string]: nothing -> list<string> {
    []
}
