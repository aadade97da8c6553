#!/bin/sh
# Two web servers and a cluster of them, without an orchestrator.
# Usage: web-cluster.sh [DIR]; the state is kept in DIR.
set -eu
dir=${1:-./web-cluster}

if [ -d "$dir/servers" ]; then
    echo "web-cluster: $dir is in use; remove it or name another folder" >&2
    exit 1
fi
provisioning --local "$dir" server create web-1
provisioning --local "$dir" server create web-2 --plan medium
provisioning --local "$dir" cluster create web \
    --server web-1 --server web-2 --taskserv containerd --taskserv postgres
provisioning --local "$dir" workflow show wf-000001
echo "done; see: provisioning --local $dir cluster list"
