#!/bin/sh
# Checks the installed platform with its services. Needs the four programs on
# PATH (the complete variant), with their configuration and shared files.
# The services listen on PROVISIONING_TEST_PORT (18080) and the port after it.
set -u
unset PROVISIONING_ORCHESTRATOR PROVISIONING_DATA_DIR
port=${PROVISIONING_TEST_PORT:-18080}
url=http://127.0.0.1:$port
center_port=$((port + 1))

tmp=$(mktemp -d) || exit 1
orchestrator='' center=''
clean() {
    [ -z "$orchestrator" ] || kill -KILL "$orchestrator" 2>/dev/null
    [ -z "$center" ] || kill -KILL "$center" 2>/dev/null
    rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

fail() {
    printf 'complete: FAILED: %s\n' "$1" >&2
    [ -z "${2-}" ] || printf '%s\n' "$2" >&2
    for log in "$tmp"/*.log; do
        [ ! -f "$log" ] || cat "$log" >&2
    done
    exit 1
}

# has CHECK SAID TEXT: what was said holds the text.
has() {
    case $2 in
        *"$3"*) printf 'ok: %s\n' "$1" ;;
        *) fail "$1: '$3' is missing" "$2" ;;
    esac
}

# expect CHECK CODE TEXT COMMAND...: the command ends with CODE and says TEXT.
expect() {
    check=$1 code=$2 text=$3
    shift 3
    said=$("$@" 2>&1)
    ended=$?
    [ "$ended" -eq "$code" ] || fail "$check: exit code $ended instead of $code" "$said"
    has "$check" "$said" "$text"
}

remote() {
    provisioning --orchestrator "$url" "$@"
}

# wait_for NAME PID URL: waits until a service answers.
wait_for() {
    tries=0
    until provisioning --orchestrator "$3" status >/dev/null 2>&1; do
        kill -0 "$2" 2>/dev/null || fail "start of the $1: it ended"
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || fail "start of the $1: it does not answer at $3"
        sleep 0.2 2>/dev/null || sleep 1
    done
    kill -0 "$2" 2>/dev/null || fail "start of the $1: something else listens at $3"
    printf 'ok: start of the %s\n' "$1"
}

# stop NAME PID: asks a service to end, which must succeed.
stop() {
    kill -TERM "$2" || fail "stop of the $1: it is gone"
    wait "$2"
    ended=$?
    [ "$ended" -eq 0 ] || fail "stop of the $1: exit code $ended"
    printf 'ok: stop of the %s\n' "$1"
}

# rpc LINE...: sends requests to the MCP server.
rpc() {
    printf '%s\n' "$@" | provisioning-mcp-server --orchestrator "$url"
}

# find_file PATH: a file of this source, or of the installed shared files.
find_file() {
    for base in "$(dirname "$0")/.." "$(dirname "$(command -v provisioning)")/../share/provisioning"; do
        if [ -f "$base/$1" ]; then
            printf '%s\n' "$base/$1"
            return
        fi
    done
    return 1
}

for program in provisioning provisioning-orchestrator provisioning-control-center provisioning-mcp-server; do
    expect "version of $program" 0 "$program " "$program" --version
done
expect 'configuration' 0 ': ok' provisioning validate config
expect 'no orchestrator yet' 1 'not reachable' remote status

provisioning-orchestrator --listen "127.0.0.1:$port" --data-dir "$tmp/data" 2>"$tmp/orchestrator.log" &
orchestrator=$!
wait_for 'orchestrator' "$orchestrator" "$url"
provisioning-control-center --listen "127.0.0.1:$center_port" --orchestrator "$url" 2>"$tmp/center.log" &
center=$!
wait_for 'control center' "$center" "http://127.0.0.1:$center_port"

expect 'status' 0 'provisioning-orchestrator ' remote status
expect 'taskservs' 0 'postgres' remote taskserv list
expect 'create a server' 0 'server web-1 created' remote server create web-1 --provider upcloud --plan 1xcpu-2gb
expect 'create it again' 1 'exists already' remote server create web-1
expect 'unknown plan' 1 'has no plan' remote server create web-2 --plan no-such
expect 'list servers' 0 'web-1' remote server list
expect 'create a cluster' 0 'workflow wf-000001' \
    remote cluster create web --server web-1 --taskserv containerd --taskserv postgres
expect 'cluster with an unknown server' 1 "no server 'no-such'" remote cluster create x --server no-such
expect 'list clusters' 0 'containerd,postgres' remote cluster list
expect 'list workflows' 0 'create-cluster-web' remote workflow list
expect 'show the workflow' 0 'install postgres on web-1' remote workflow show wf-000001
expect 'delete a server in use' 1 'uses the server' remote server delete web-1

hello='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}'
ready='{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect 'mcp initialize' 0 '"protocolVersion":"2025-06-18"' rpc "$hello" "$ready"
expect 'mcp tools/list' 0 '"name":"cluster_create"' rpc "$hello" "$ready" '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'
call='{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"server_list","arguments":{}}}'
expect 'mcp tools/call' 0 'web-1' rpc "$call"
expect 'mcp unknown method' 0 '-32601' rpc '{"jsonrpc":"2.0","id":4,"method":"no-such"}'
expect 'mcp bad JSON' 0 '-32700' rpc '{'

expect 'delete the cluster' 0 'cluster web deleted' remote cluster delete web
expect 'delete the server' 0 'server web-1 deleted' remote server delete web-1
expect 'no servers any more' 0 'no servers' remote server list
expect 'no clusters any more' 0 'no clusters' remote cluster list

stop 'control center' "$center"
center=''
stop 'orchestrator' "$orchestrator"
orchestrator=''
has 'log of the orchestrator' "$(cat "$tmp/orchestrator.log")" 'INFO stopped'
expect 'no orchestrator any more' 1 'not reachable' remote status

for example in web-cluster from-files; do
    if script=$(find_file "examples/$example.sh"); then
        expect "example $example" 0 'done' sh "$script" "$tmp/$example"
    else
        printf 'skipped: example %s (not installed)\n' "$example"
    fi
done
if script=$(find_file tools/backup.sh); then
    expect 'backup' 0 'backup.tar' sh "$script" "$tmp/data" "$tmp/backup.tar"
    has 'content of the backup' "$(tar -tf "$tmp/backup.tar")" 'workflows/wf-000001.json'
else
    echo 'skipped: backup (not installed)'
fi

echo 'complete: all checks passed'
