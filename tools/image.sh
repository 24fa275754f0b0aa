#!/bin/sh
# Builds one of our images with buildah and says by which digest config may name it.
#   sh tools/image.sh serve|train OUT [--build-arg BASE=NAME@sha256:DIGEST ...]      # what follows OUT is buildah's
# Leaves in the folder OUT: NAME.oci.tar (push it with `skopeo copy oci-archive:NAME.oci.tar docker://...`), NAME.digest, NAME.cdx.json, the bill of materials, and
# NAME.provenance.json, which says by whom, from which commit and on what it was built. Outside of GitHub's jobs FALAJ_BUILDER names this machine in it.
set -eu
name=${1:?serve or train} out=$(realpath -m "${2:?folder for the result}")
shift 2
cd "$(dirname "$0")/.."

for word in "$@"; do
    case $word in
        BASE=*@sha256:* | BUILD=*@sha256:* | --build-arg=BASE=*@sha256:* | --build-arg=BUILD=*@sha256:*) ;;
        BASE=* | BUILD=* | --build-arg=BASE=* | --build-arg=BUILD=*)
            echo "image: what an image is built on is named by digest" >&2
            echo "  given    $word" >&2
            echo "  allowed  NAME@sha256:DIGEST" >&2
            echo "  why      a tag is other content tomorrow (rule dockerfile_pinned)" >&2
            exit 2
            ;;
        -f* | --file | --file=* | --from | --from=* | --target | --target=* | --build-context* | --build-arg-file*)
            echo "image: this would build something else" >&2
            echo "  given    $word" >&2
            echo "  allowed  --build-arg BASE=NAME@sha256:DIGEST, and what leaves images/$name.Dockerfile as it is" >&2
            echo "  why      its provenance says that it was built from that file, on those bases" >&2
            exit 2
            ;;
    esac
done
if ! command -v buildah >/dev/null; then
    echo "image: there is no buildah here" >&2
    echo "  next     install the package buildah; docker and podman build images/$name.Dockerfile too" >&2
    exit 2
fi

mkdir -p "$out"
began=$(date +%s)
python=.venv/bin/python
[ -x "$python" ] || python=python3
begun=$("$python" -m tools.image_provenance begin)
# The train image in layers, which are kept for the next build and keep what a build needs of the disk down; the other one is small.
[ "$name" != train ] || set -- --layers "$@"
# Chroot isolation needs no rights over the kernel that a build machine would not give. The date of every file is the commit's.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
buildah bud --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --file "images/$name.Dockerfile" --tag "localhost/falaj-$name" "$@" .
buildah push --quiet --digestfile "$out/$name.digest" "localhost/falaj-$name" "oci-archive:$out/$name.oci.tar:falaj-$name"
container=$(buildah from --pull-never "localhost/falaj-$name")
trap 'buildah rm "$container" >/dev/null' EXIT
cp "$(buildah mount "$container")/opt/falaj/bill.cdx.json" "$out/$name.cdx.json"
"$python" -m tools.image_provenance end "$name" "$out" "$begun" "$@"
size=$(buildah images --format '{{.Size}}' "localhost/falaj-$name")
echo "image: $size, $(($(stat -c %s "$out/$name.oci.tar") / 1000000)) MB as an archive, in $(($(date +%s) - began)) s" >&2
echo "image: sign it before config names it: falaj image sign $out/$name.oci.tar" >&2
echo "falaj-$name@$(cat "$out/$name.digest")"
