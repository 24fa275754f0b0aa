#!/bin/sh
# Writes the hashed requirement lists. They name no index, so that any mirror can serve them.
set -eu
cd "$(dirname "$0")/.."
options="--universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet"
uv pip compile $options --all-extras pyproject.toml -o requirements/all.txt
uv pip compile $options --extra serve pyproject.toml -o requirements/serve.txt
echo uv | uv pip compile $options - -o requirements/bootstrap.txt
