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
    # As published images of Python have it: pip that pip itself takes out again, and no mark that the system keeps packages.
    own='rm /usr/lib/python3*/EXTERNALLY-MANAGED
        python3 -m pip install --quiet --cert /ca.crt --no-cache-dir --ignore-installed pip==23.0.1 setuptools==65.5.1 wheel==0.45.1
        dpkg --purge --force-depends python3-pip python3-setuptools python3-wheel'
    authorities=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
    buildah run --isolation chroot --volume "$authorities:/ca.crt:ro" "$container" -- sh -ec "$own" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
    buildah commit --quiet --rm "$container" localhost/falaj-build >/dev/null
fi
for name in base build; do
    buildah images --no-trunc --format '{{.Name}}@{{.Digest}}' "localhost/falaj-$name"
done
