#!/bin/sh
# A server and a cluster described by files, without an orchestrator.
# Usage: from-files.sh [DIR]; the files and the state are kept in DIR.
set -eu
dir=${1:-./from-files}

if [ -d "$dir/state" ]; then
    echo "from-files: $dir is in use; remove it or name another folder" >&2
    exit 1
fi
mkdir -p "$dir"
provisioning new server dev-1 --plan medium >"$dir/server.toml"
provisioning new cluster dev --server dev-1 --taskserv containerd --taskserv etcd >"$dir/cluster.toml"
provisioning --local "$dir/state" server create --file "$dir/server.toml"
provisioning --local "$dir/state" cluster create --file "$dir/cluster.toml"
echo "done; see: provisioning --local $dir/state cluster list"
