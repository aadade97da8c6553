# Commands on clusters.

use config.nu

# The clusters.
export def list []: nothing -> list<any> {
    config call cluster list | get clusters
}

# Creates a cluster of servers that exist, and gives its record.
export def create [
    name: string                          # what the cluster is called
    --servers: list<string> = []          # the servers it consists of
    --taskservs: list<string> = []        # what is installed on each of them
]: nothing -> record {
    let servers = ($servers | each {|server| [--server $server] } | flatten)
    let taskservs = ($taskservs | each {|taskserv| [--taskserv $taskserv] } | flatten)
    config call cluster create $name ...$servers ...$taskservs
}

# Deletes a cluster; its servers stay.
export def delete [name: string]: nothing -> record {
    config call cluster delete $name
}

# The steps that set a cluster up.
export def steps [name: string]: nothing -> list<string> {
    let found = (list | where name == $name)
    if ($found | is-empty) {
        error make {msg: $"there is no cluster '($name)'"}
    }
    config call workflow show ($found | first | get workflow) | get steps
}
