#!/bin/sh
# Writes the hashed requirement lists. They name no index, so that any mirror can serve them.
set -eu
cd "$(dirname "$0")/.."
options="--universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet"
uv pip compile $options --all-extras pyproject.toml -o requirements/all.txt
uv pip compile $options --extra serve pyproject.toml -o requirements/serve.txt
# What the two images hold, in the versions that were tested together.
uv pip compile $options --constraint requirements/all.txt --extra serve --extra aws pyproject.toml -o requirements/image_serve.txt
uv pip compile $options --constraint requirements/all.txt --extra train pyproject.toml -o requirements/image_train.txt
# An older torch and the next line of transformers, in an environment of their own: what `make test-transformers5` tries the model's side on.
printf 'torch==2.11.*\ntransformers>=5,<6\n' |
    uv pip compile $options --extra train --extra serve --extra infra --extra dev pyproject.toml - -o requirements/transformers5.txt
# checkov pins its own dependencies so hard that it gets an environment of its own.
echo 'checkov>=3.3,<4' | uv pip compile $options - -o requirements/checkov.txt
# So does the feature store, which wants another pandas; s3fs is what reads its tables in a bucket.
printf '%s\n' 'feast[aws]>=0.60,<1' 's3fs>=2025' | uv pip compile $options - -o requirements/feast.txt
# So does pulumi-policy; the policy pack that `falaj policy build` makes carries this list.
printf 'pulumi-policy>=1.21,<1.22\ngordon-to-regorus>=0.13\n' | uv pip compile $options - -o requirements/policy_pack.txt
# A C++ compiler, for machines without one: the serving kernels are built with it.
echo 'ziglang>=0.13' | uv pip compile $options - -o requirements/compiler.txt
# What `falaj bench serve` measures beside: an environment of its own, which only the bench makes.
printf '%s\n' 'ctranslate2>=4.6' 'openvino>=2026.1' 'nncf>=2.14' 'optimum-onnx>=0.1' 'onnxruntime>=1.20' 'onnx>=1.17' 'transformers>=4.50,<5' \
    'llama-cpp-python>=0.3' 'gguf>=0.10' 'sentencepiece>=0.2' 'numpy>=1.26' | uv pip compile $options - -o requirements/peers.txt
echo uv | uv pip compile $options - -o requirements/bootstrap.txt
