#!/bin/sh
# Checks this bundle and installs it. Everything is checked by openssl and sha256sum before any code of the bundle runs.
#   sh install.sh --trusted-key KEY.pem [--prefix /opt/falaj] [--python python3] [--venv DIR] [--no-unit]
#   sh install.sh --rollback [--trusted-key KEY.pem] [--prefix /opt/falaj] [--no-unit]      the bundle before this one again
#   sh install.sh --uninstall [--purge] [--prefix /opt/falaj] [--no-unit]                   keys and what was written stay without --purge
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
prefix=/opt/falaj python=python3 trusted= venv= unit=yes etc=/etc/falaj units=/etc/systemd/system state=/var/lib/private/falaj action=install purge=no

say() { echo "install: $*" >&2; }
stop() { say "$1"; shift; for line in "$@"; do say "  $line"; done; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --trusted-key) trusted=$2; shift 2 ;;
        --prefix) prefix=$2; shift 2 ;;
        --python) python=$2; shift 2 ;;
        --venv) venv=$2; shift 2 ;;
        --no-unit) unit=no; shift ;;
        --rollback) action=rollback; shift ;;
        --uninstall) action=uninstall; shift ;;
        --purge) purge=yes; shift ;;
        *) stop "unknown word: $1" "allowed  --trusted-key --prefix --python --venv --no-unit --rollback --uninstall --purge" ;;
    esac
done
case $prefix in *[!A-Za-z0-9/._-]* | '' | / | [!/]*) stop "the prefix cannot be used" "given    $prefix" "allowed  an absolute path of letters, digits and ._-" ;; esac
[ $unit = no ] || [ "$(id -u)" = 0 ] || stop "only root installs a unit" "next     run as root, or --no-unit"

check() { # a bundle, by the trusted key
    for tool in openssl sha256sum; do command -v $tool >/dev/null || stop "$tool is not here" "next     install it"; done
    openssl dgst -sha256 -verify "$trusted" -signature "$1/SHA256SUMS.sig" "$1/SHA256SUMS" >/dev/null 2>&1 ||
        { say "the bundle's signature does not verify with $trusted"; exit 3; }
    (cd "$1" && sha256sum --check --strict --quiet SHA256SUMS >&2) || { say "a file of the bundle was altered or is missing"; exit 3; }
    [ -z "$(find "$1" -type l)" ] || { say "the bundle holds links, and none was signed"; exit 3; }
    extra=$(cd "$1" && find . -name __pycache__ -prune -o -type f -print | sed 's|^\./||' | grep -vxE 'SHA256SUMS(\.sig)?' |
        while read -r name; do cut -c67- SHA256SUMS | grep -qxF -- "$name" || echo "$name"; done)
    [ -z "$extra" ] || { say "the bundle holds files that were not signed: $extra"; exit 3; }
}

names() { (cd "$1" && ls falaj-*.service falaj-*.timer 2>/dev/null) || true; }

put_units() { # those of the bundle in $prefix; those of another one go
    for old in $(names "$units"); do
        [ -f "$prefix/$old" ] || { systemctl disable --now "$old" >/dev/null 2>&1 || true; rm -f "$units/$old"; }
    done
    for name in $(names "$prefix"); do
        sed -e "s|@VENV@|$prefix.run/venv|; s|@PREFIX@|$prefix|g" "$prefix/$name" >"$units/$name"
    done
    systemctl daemon-reload
}

if [ $action = uninstall ]; then
    if [ $unit = yes ]; then
        for name in $(names "$units"); do
            systemctl disable --now "$name" >/dev/null 2>&1 || true
            rm -f "$units/$name"
        done
        systemctl daemon-reload
        [ $purge = no ] || rm -rf "$etc" "$state" "${state%/private/*}/falaj"
    fi
    rm -rf "$prefix" "$prefix.old" "$prefix.run" "$prefix.new" "$prefix.new.venv"
    [ $purge = yes ] && say "gone, with keys and all that was written" || say "gone; keys ($etc) and what was written (/var/lib/falaj) are left"
    exit 0
fi

if [ $action = rollback ]; then
    [ -d "$prefix.old" ] && [ -e "$prefix.run/venv.old" ] || stop "there is no bundle before this one" "given    $prefix.old"
    trusted=${trusted:-$etc/trusted.pem}
    [ -f "$trusted" ] || stop "which key is to be trusted?" "allowed  --trusted-key KEY.pem"
    check "$prefix.old"
    for pair in "$prefix $prefix.old" "$prefix.run/venv $prefix.run/venv.old"; do
        # shellcheck disable=SC2086
        set -- $pair
        rm -rf "$1.swap"
        mv "$1" "$1.swap"
        mv "$2" "$1"
        mv "$1.swap" "$2"
    done
    if [ $unit = yes ]; then
        put_units
        systemctl try-restart falaj-serve
    fi
    say "the bundle before is in place again; a second --rollback brings this one back. Which release is served the store says: falaj edge rollback"
    exit 0
fi

[ -n "$trusted" ] && [ -f "$trusted" ] || stop "which key is to be trusted?" "given    ${trusted:-nothing}" "allowed  --trusted-key KEY.pem" \
    "why      the key must come another way than the bundle: who altered the one could have altered the other"
check "$here"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || stop "no Python 3.11 or newer" "given    $python" "next     --python python3.12"
needed=$(du -sk "$here" | cut -f1)
mkdir -p "$prefix"
free=$(df -Pk "$prefix" | awk 'NR==2 {print $4}')
[ "$free" -gt $((needed * 2 + 400000)) ] || stop "there is too little room in $prefix" "given    $free KiB free" "allowed  $((needed * 2 + 400000)) KiB"

# The bundle is laid beside the old one and swapped in whole.
rm -rf "$prefix.new" "$prefix.new.venv"
mkdir -p "$prefix.new"
cp -R "$here/." "$prefix.new/"
if [ -n "$venv" ]; then
    ln -s "$venv" "$prefix.new.venv"
else
    say "making the environment"
    "$python" -m venv "$prefix.new.venv"
    if [ -d "$here/wheelhouse" ]; then source_="--no-index --find-links $here/wheelhouse"; else source_=; fi
    # The list is whole. Told to look for more, pip asks for a hash of `pydantic[email]` beside that of pydantic, which no list can give.
    # shellcheck disable=SC2086
    "$prefix.new.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes $source_ -r "$here/requirements.txt"
fi
chmod -R go-w "$prefix.new"
rm -rf "$prefix.old"
[ -e "$prefix" ] && mv "$prefix" "$prefix.old"
mv "$prefix.new" "$prefix"
mkdir -p "$prefix.run"
rm -rf "$prefix.run/venv.old"
[ ! -e "$prefix.run/venv" ] || mv "$prefix.run/venv" "$prefix.run/venv.old"
mv "$prefix.new.venv" "$prefix.run/venv"
FALAJ_TRUSTED_KEY="$trusted" PYTHONPATH="$prefix/code" PYTHONDONTWRITEBYTECODE=1 "$prefix.run/venv/bin/python" -P -m workloads.edge.start --check

if [ $unit = yes ]; then
    mkdir -p "$etc"
    chmod 700 "$etc"
    install -m 644 "$trusted" "$etc/trusted.pem"
    put_units
    timers=$(cd "$prefix" && ls falaj-*.timer 2>/dev/null | tr '\n' ' ') || true
    say "done. Start it: systemctl enable --now falaj-serve $timers"
else
    say "done. Start it: FALAJ_TRUSTED_KEY=$trusted PYTHONPATH=$prefix/code $prefix.run/venv/bin/python -P -m workloads.edge.start"
fi
