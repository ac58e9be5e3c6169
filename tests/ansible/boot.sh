#!/usr/bin/env bash
# Boot one machine: unshare --mount boot.sh ROOT FOLDER NETNS NAME [OPTION OF NSPAWN...]
#
# What it writes lies in memory, over ROOT, which stays as it was made. Every mount made here ends with this process.
set -euo pipefail
root=$1 folder=$2 netns=$3 name=$4
shift 4
mount -t tmpfs -o size=75% shipd-ansible "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
echo "$name" >"$folder/root/etc/hostname"
printf '127.0.0.1 localhost %s\n' "$name" >"$folder/root/etc/hosts"
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --directory="$folder/root" --boot --register=no --keep-unit --console=pipe \
    --link-journal=no --resolv-conf=off --timezone=off --network-namespace-path="/run/netns/$netns" --machine="$name" "$@"
