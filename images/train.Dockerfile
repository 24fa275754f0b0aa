# The stages of road B: prepare, train, compress, evaluate, register and drift. Built by `sh tools/image.sh train OUT`, or from the checkout by
#   buildah bud --file images/train.Dockerfile --format docker --layers .
# On GPU pools the base is NVIDIA's image of PyTorch, whose own torch is kept: --build-arg BASE=nvcr.io/nvidia/pytorch:...@sha256:...
# --build-arg HELD='torch|triton|nvidia-.*|numpy'.

# Python 3.11 or newer with pip; it is what the image is built in and on, since packages fit one Python only.
ARG BASE=docker.io/library/python:3.11-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3

FROM ${BASE} AS build
WORKDIR /src
# Where packages come from, for a machine with an index or a certificate authority of its own: --secret id=pip,src=pip.conf --secret id=ca,src=ca.crt
COPY requirements/compiler.txt requirements/image_train.txt requirements/
COPY images/part.py images/install.sh images/
# Two packages publish no wheel: they are built here, from sources with the lock's hashes, by the setuptools and wheel that the base has.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    sh images/install.sh requirements/compiler.txt /opt/compiler '.*' && \
    python3 images/part.py 'antlr4-python3-runtime|rouge-score' < requirements/image_train.txt > requirements/sources.txt && \
    python3 -m pip wheel --no-cache-dir --no-deps --require-hashes --no-binary :all: --use-pep517 --no-build-isolation --wheel-dir /opt/wheels -r requirements/sources.txt
COPY falaj /opt/falaj/code/falaj
COPY workloads /opt/falaj/code/workloads
RUN PYTHONPATH=/opt/falaj/code:/opt/compiler python3 -m workloads.engine.native_build && chmod -R u=rwX,go=rX /opt/falaj/code

FROM ${BASE}
# Packages that the base brings, as a pattern of their names.
ARG HELD=
# What the image is made from, and how; it stays there. A layer that was made from another lock is never taken for this one's.
COPY requirements/image_train.txt images/part.py images/install.sh images/bill.py /opt/falaj/made/
# What is large and seldom changes comes first, in layers of its own: a node that has them fetches the rest alone, and none needs gigabytes at once.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    sh /opt/falaj/made/install.sh /opt/falaj/made/image_train.txt /opt/falaj/packages 'nvidia-.*|cuda-.*|triton' "${HELD}"
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    sh /opt/falaj/made/install.sh /opt/falaj/made/image_train.txt /opt/falaj/packages torch "${HELD}"
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    sh /opt/falaj/made/install.sh /opt/falaj/made/image_train.txt /opt/falaj/packages '.*' "${HELD}|nvidia-.*|cuda-.*|triton|torch|antlr4-python3-runtime|rouge-score"
# Nothing is installed into a running container, so nothing that installs is left there; a compiler is where the base brings one.
RUN --mount=type=bind,from=build,source=/opt/wheels,target=/run/wheels \
    python3 -m pip install --no-cache-dir --no-compile --no-deps --no-index --target /opt/falaj/packages /run/wheels/*.whl && \
    python3 -m pip uninstall --yes --quiet --root-user-action ignore setuptools wheel pip && chmod -R u=rwX,go=rX /opt/falaj/packages/rouge_score* /opt/falaj/packages/antlr4*
COPY --from=build --chown=0:0 /opt/falaj/code /opt/falaj/code
RUN python3 /opt/falaj/made/bill.py falaj-train /opt/falaj/packages / > /opt/falaj/bill.cdx.json
# Some libraries ask who they run as, by name, and 10001 has none in a base.
ENV PYTHONPATH=/opt/falaj/code:/opt/falaj/packages PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 USER=falaj
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["python3", "-m", "workloads"]
