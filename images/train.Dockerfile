# The stages of road B: prepare, train, compress, evaluate, register and drift. Built by `sh tools/image.sh train OUT`, or from the checkout by
#   buildah bud --file images/train.Dockerfile --format docker .
# On GPU pools the base is NVIDIA's image of PyTorch, whose own torch is kept: --build-arg BASE=nvcr.io/nvidia/pytorch:...@sha256:...
# --build-arg HELD='torch|triton|nvidia-.*|numpy'.

# Python 3.11 or newer with pip; it is what the image is built in and on, since packages fit one Python only.
ARG BASE=docker.io/library/python:3.11-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3

FROM ${BASE} AS build
# Packages that the base brings, as a pattern of their names.
ARG HELD=
WORKDIR /src
COPY requirements/image_train.txt requirements/compiler.txt requirements/
COPY images/without.py images/bill.py images/
# Two packages publish no wheel: they are built here, from sources with the lock's hashes, by the setuptools and wheel that the base has.
# Where packages come from, for a machine with an index or a certificate authority of its own: --secret id=pip,src=pip.conf --secret id=ca,src=ca.crt
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    python3 images/without.py "${HELD}" < requirements/image_train.txt > requirements/wanted.txt && \
    python3 -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --only-binary :all: --no-binary antlr4-python3-runtime,rouge-score --use-pep517 --no-build-isolation --target /opt/falaj/packages -r requirements/wanted.txt && \
    python3 -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --only-binary :all: --target /opt/compiler -r requirements/compiler.txt
COPY falaj /opt/falaj/code/falaj
COPY workloads /opt/falaj/code/workloads
RUN PYTHONPATH=/opt/falaj/code:/opt/falaj/packages:/opt/compiler python3 -m workloads.engine.native_build && \
    python3 images/bill.py falaj-train /opt/falaj/packages / > /opt/falaj/bill.cdx.json && chmod -R u=rwX,go=rX /opt/falaj

FROM ${BASE}
# Nothing is installed into a running container, so nothing that installs is left there; a compiler is where the base brings one.
RUN python3 -m pip uninstall --yes --quiet --root-user-action ignore setuptools wheel pip
COPY --from=build --chown=0:0 /opt/falaj/packages /opt/falaj/packages
COPY --from=build --chown=0:0 /opt/falaj/code /opt/falaj/code
COPY --from=build --chown=0:0 /opt/falaj/bill.cdx.json /opt/falaj/bill.cdx.json
ENV PYTHONPATH=/opt/falaj/code:/opt/falaj/packages PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["python3", "-m", "workloads"]
