# Commands on servers.

use config.nu

# The servers.
export def list []: nothing -> list<any> {
    config call server list | get servers
}

# Creates a server and gives its record.
export def create [
    name: string        # what the server is called
    --provider: string  # where it runs; see the folder providers
    --plan: string      # how large it is; see the provider
]: nothing -> record {
    mut words = [server create $name]
    if $provider != null { $words = ($words | append [--provider $provider]) }
    if $plan != null { $words = ($words | append [--plan $plan]) }
    config call ...$words
}

# Deletes a server.
export def delete [name: string]: nothing -> record {
    config call server delete $name
}
