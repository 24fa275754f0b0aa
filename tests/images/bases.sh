#!/bin/sh
# Two local images in the place of the published bases: localhost/falaj-base (Debian with Python) and localhost/falaj-build (pip besides).
# Kept in buildah's storage, which the caller names by CONTAINERS_STORAGE_CONF; says the digest of each.
set -eu
have() { buildah images --quiet "$1" >/dev/null 2>&1; }
packages() { # what this machine's own package lists name, so that both come from the same place
    rm -rf "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d"
    cp -r /etc/apt/sources.list* "$1/etc/apt/"
}
work=$(mktemp -d)
# A debootstrap that is ended before its time leaves the machine's own /proc mounted in its tree.
tidy() {
    for mounted in proc sys; do umount --lazy "$work/tree/$mounted" 2>/dev/null || true; done
    rm -rf --one-file-system "$work"
}
trap tidy EXIT
trap "exit 1" INT TERM
if ! have localhost/falaj-base; then
    debootstrap --variant=minbase --include=python3,ca-certificates bookworm "$work/tree" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
    rm -rf "$work/tree"/var/cache/apt/archives/*.deb "$work/tree"/var/lib/apt/lists/*
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$work/tree" / >/dev/null
    buildah commit --quiet --rm "$container" localhost/falaj-base >/dev/null
fi
if ! have localhost/falaj-build; then
    container=$(buildah from --pull-never localhost/falaj-base)
    packages "$(buildah mount "$container")"
    run="buildah run --isolation chroot $container --"
    { $run apt-get update && $run env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3-pip; } >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
    buildah commit --quiet --rm "$container" localhost/falaj-build >/dev/null
fi
for name in base build; do
    buildah images --no-trunc --format '{{.Name}}@{{.Digest}}' "localhost/falaj-$name"
done
