#!/bin/sh
# Checks this bundle and installs it. Everything is checked by openssl and sha256sum before any code of the bundle runs.
#   sh install.sh --trusted-key KEY.pem [--prefix /opt/falaj] [--python python3] [--venv DIR] [--no-unit]
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
prefix=/opt/falaj python=python3 trusted= venv= unit=yes etc=/etc/falaj

say() { echo "install: $*" >&2; }
stop() { say "$1"; shift; for line in "$@"; do say "  $line"; done; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --trusted-key) trusted=$2; shift 2 ;;
        --prefix) prefix=$2; shift 2 ;;
        --python) python=$2; shift 2 ;;
        --venv) venv=$2; shift 2 ;;
        --no-unit) unit=no; shift ;;
        *) stop "unknown word: $1" "allowed  --trusted-key --prefix --python --venv --no-unit" ;;
    esac
done

[ -n "$trusted" ] && [ -f "$trusted" ] || stop "which key is to be trusted?" "given    ${trusted:-nothing}" "allowed  --trusted-key KEY.pem" \
    "why      the key must come another way than the bundle: who altered the one could have altered the other"
for tool in openssl sha256sum; do command -v $tool >/dev/null || stop "$tool is not here" "next     install it"; done
openssl dgst -sha256 -verify "$trusted" -signature "$here/SHA256SUMS.sig" "$here/SHA256SUMS" >/dev/null 2>&1 ||
    { say "the bundle's signature does not verify with $trusted"; exit 3; }
(cd "$here" && sha256sum --check --strict --quiet SHA256SUMS >&2) || { say "a file of the bundle was altered or is missing"; exit 3; }
[ -z "$(find "$here" -type l)" ] || { say "the bundle holds links, and none was signed"; exit 3; }
extra=$(cd "$here" && find . -name __pycache__ -prune -o -type f -print | sed 's|^\./||' | grep -vxE 'SHA256SUMS(\.sig)?' |
    while read -r name; do cut -c67- SHA256SUMS | grep -qxF -- "$name" || echo "$name"; done)
[ -z "$extra" ] || { say "the bundle holds files that were not signed: $extra"; exit 3; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || stop "no Python 3.11 or newer" "given    $python" "next     --python python3.12"
needed=$(du -sk "$here" | cut -f1)
mkdir -p "$prefix"
free=$(df -Pk "$prefix" | awk 'NR==2 {print $4}')
[ "$free" -gt $((needed * 2 + 400000)) ] || stop "there is too little room in $prefix" "given    $free KiB free" "allowed  $((needed * 2 + 400000)) KiB"
case $prefix in *[!A-Za-z0-9/._-]*) stop "the prefix has letters that a unit cannot hold" "given    $prefix" ;; esac

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
rm -rf "$prefix.run/venv"
mv "$prefix.new.venv" "$prefix.run/venv"
FALAJ_TRUSTED_KEY="$trusted" PYTHONPATH="$prefix/code" PYTHONDONTWRITEBYTECODE=1 "$prefix.run/venv/bin/python" -P -m workloads.edge.start --check

if [ $unit = yes ]; then
    [ "$(id -u)" = 0 ] || stop "only root installs a unit" "next     run as root, or --no-unit"
    mkdir -p "$etc"
    chmod 700 "$etc"
    install -m 644 "$trusted" "$etc/trusted.pem"
    sed -e "s|@VENV@|$prefix.run/venv|; s|@PREFIX@|$prefix|g" "$here/falaj-serve.service" >/etc/systemd/system/falaj-serve.service
    systemctl daemon-reload
    say "done. Start it: systemctl enable --now falaj-serve"
else
    say "done. Start it: FALAJ_TRUSTED_KEY=$trusted PYTHONPATH=$prefix/code $prefix.run/venv/bin/python -P -m workloads.edge.start"
fi
