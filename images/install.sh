#!/bin/sh
# Installs a part of a lock for an image, as wheels with the lock's hashes: OF and LESS are patterns of names, as images/part.py has them.
#   sh images/install.sh LOCK TARGET OF [LESS]
set -eu
lock=$1 target=$2
shift 2
part=$(mktemp)
trap 'rm -f "$part"' EXIT
python3 "$(dirname "$0")/part.py" "$@" <"$lock" >"$part"
[ -s "$part" ] || exit 0
fresh=$target.part
python3 -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --only-binary :all: --target "$fresh" -r "$part"
# Scripts begin with the name of the Python that installed them, those of several parts would lie in one folder, and nobody calls one.
rm -rf "$fresh/bin"
# Here, and not once they lie with the others: a layer holds every file that was touched, and gigabytes would be in two.
chmod -R u=rwX,go=rX "$fresh"
mkdir -p "$target"
for each in "$fresh"/*; do
    [ ! -e "$target/${each##*/}" ] || { echo "install: ${each##*/} is in two parts; put its packages into one" >&2; exit 1; }
    mv "$each" "$target/"
done
rmdir "$fresh"
