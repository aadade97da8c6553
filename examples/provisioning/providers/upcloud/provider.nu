# The upcloud provider: servers at UpCloud, by the `upctl` command.

# The plans and what they stand for.
export def plans []: nothing -> table {
    [
        [name type cpus memory_gb];
        ["1xcpu-2gb" "1xCPU-2GB" 1 2]
        ["2xcpu-4gb" "2xCPU-4GB" 2 4]
        ["4xcpu-8gb" "4xCPU-8GB" 4 8]
    ]
}

# The command lines that make a server in a zone such as de-fra1.
export def create-commands [name: string, plan: string, zone: string]: nothing -> list<string> {
    let found = (plans | where name == $plan)
    if ($found | is-empty) {
        error make {msg: $"the upcloud provider has no plan '($plan)'"}
    }
    let type = ($found | first | get type)
    [$"upctl server create --hostname ($name) --zone ($zone) --plan ($type) --ssh-keys ~/.ssh/id_ed25519.pub"]
}

# The command lines that remove a server.
export def delete-commands [name: string]: nothing -> list<string> {
    [$"upctl server stop ($name) --wait" $"upctl server delete ($name)"]
}
