#!/bin/sh
# Writes a data folder to a tar file.
# Usage: backup.sh DATA_DIR [FILE]
# Restore it into a new folder: mkdir DIR && tar -xf FILE -C DIR
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: backup.sh DATA_DIR [FILE]" >&2
    exit 2
fi
dir=$1
file=${2:-provisioning-$(date -u +%Y%m%dT%H%M%SZ).tar}
if [ ! -d "$dir" ]; then
    echo "backup: there is no folder $dir" >&2
    exit 1
fi
if [ -e "$file" ]; then
    echo "backup: $file exists already" >&2
    exit 1
fi
umask 077
draft=$file.$$
trap 'rm -f "$draft"' EXIT
trap 'exit 1' HUP INT TERM
tar -cf "$draft" -C "$dir" .
mv "$draft" "$file"
echo "wrote $file"
