#!/bin/sh
# Installs the locked dependencies and this package into .venv; with the name of another list, `checkov`, `feast` or `transformers5`, that into .cache/<name>.
# Does nothing when they are there already.
set -eu
cd "$(dirname "$0")/.."

tool=${1:-}
[ -n "$tool" ] && rm -f ".cache/$tool/installed"
stamp=.venv/installed-$(cat requirements/all.txt requirements/bootstrap.txt pyproject.toml | cksum | tr ' ' -)
[ -z "$tool" ] && [ -f "$stamp" ] && exit 0

say() { echo "setup: $*" >&2; }

for candidate in python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "${python:-}" ]; then
    say "no Python 3.11 or newer on PATH"
    say "  given    $(python3 --version 2>&1 || echo 'no python3')"
    say "  allowed  Python >= 3.11"
    say "  next     install one and run the same command again"
    exit 2
fi

if command -v uv >/dev/null; then
    uv=uv
else
    uv=.cache/bootstrap/bin/uv
    if [ ! -x "$uv" ]; then
        say "fetching uv"
        if "$python" -m venv .cache/bootstrap 2>/dev/null; then
            .cache/bootstrap/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
        else
            # Some distributions ship Python without the venv module's installer; pip alone will do.
            "$python" -m pip install --quiet --disable-pip-version-check --require-hashes --target .cache/bootstrap -r requirements/bootstrap.txt
        fi
    fi
fi

if [ -n "$tool" ]; then
    say "installing $tool into .cache/$tool"
    "$uv" venv --quiet --clear --python "$python" ".cache/$tool"
    "$uv" pip install --quiet --python ".cache/$tool/bin/python" --require-hashes -r "requirements/$tool.txt"
    touch ".cache/$tool/installed"
    exit 0
fi

say "installing into .venv with $("$uv" --version)"
# A fresh environment each time: what an older lock installed must not linger.
"$uv" venv --quiet --clear --python "$python" .venv
"$uv" pip install --quiet --python .venv/bin/python --require-hashes -r requirements/all.txt
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch "$stamp"
say "done: .venv/bin/falaj"
