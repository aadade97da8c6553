#!/bin/sh
# Checks the installed command in local mode. Needs provisioning and
# provisioning-orchestrator on PATH, with their configuration and shared files;
# the minimal variant is enough.
set -u
unset PROVISIONING_ORCHESTRATOR PROVISIONING_DATA_DIR

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
    printf 'integration: FAILED: %s\n' "$1" >&2
    [ -z "${2-}" ] || printf '%s\n' "$2" >&2
    exit 1
}

# expect CHECK CODE TEXT COMMAND...: the command ends with CODE and says TEXT.
expect() {
    check=$1 code=$2 text=$3
    shift 3
    said=$("$@" 2>&1)
    ended=$?
    [ "$ended" -eq "$code" ] || fail "$check: exit code $ended instead of $code" "$said"
    case $said in
        *"$text"*) printf 'ok: %s\n' "$check" ;;
        *) fail "$check: '$text' is missing" "$said" ;;
    esac
}

local_mode() {
    provisioning --local "$tmp/data" "$@"
}

expect 'version' 0 'provisioning ' provisioning --version
expect 'help' 0 'Usage: provisioning' provisioning --help
expect 'version of the orchestrator' 0 'provisioning-orchestrator ' provisioning-orchestrator --version
expect 'configuration' 0 ': ok' provisioning validate config
expect 'wrong usage' 2 'provisioning: error: ' provisioning no-such-command
expect 'taskserv containerd' 0 'containerd' local_mode taskserv list
expect 'taskserv etcd' 0 'etcd' local_mode taskserv list

expect 'no servers yet' 0 'no servers' local_mode server list
expect 'create a server' 0 'server web-1 created (provider local' local_mode server create web-1
expect 'create it again' 1 'exists already' local_mode server create web-1
expect 'unknown provider' 1 'unknown provider' local_mode server create web-2 --provider no-such
expect 'bad name' 1 'not a valid name' local_mode server create Web_2
expect 'list servers' 0 'web-1' local_mode server list
expect 'list servers as JSON' 0 '{"servers":[{"name":"web-1"' local_mode --json server list

expect 'unknown taskserv' 1 'unknown taskserv' \
    local_mode cluster create web --server web-1 --taskserv no-such
expect 'create a cluster' 0 'cluster web created' \
    local_mode cluster create web --server web-1 --taskserv containerd --taskserv etcd
expect 'list clusters' 0 'containerd,etcd' local_mode cluster list
expect 'its workflow' 0 'install containerd on web-1' local_mode workflow show wf-000001
expect 'delete a server in use' 1 'uses the server' local_mode server delete web-1
expect 'delete the cluster' 0 'cluster web deleted' local_mode cluster delete web
expect 'delete the server' 0 'server web-1 deleted' local_mode server delete web-1
expect 'delete it again' 1 'there is no server' local_mode server delete web-1
expect 'no servers any more' 0 'no servers' local_mode server list

echo 'integration: all checks passed'
