# The model server: Python, what serving needs and no more, as nobody. Built by `sh tools/image.sh serve OUT`, or from the checkout by
#   buildah bud --file images/serve.Dockerfile --format docker .

# What it is built in: Python 3.11 with pip. Nothing of it is left in the result but what is copied.
ARG BUILD=docker.io/library/python:3.11-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3
# What it is built on: Python 3.11 and the C++ library; no shell, no package manager.
ARG BASE=gcr.io/distroless/python3-debian12:nonroot@sha256:7d1042ce588ab97019fe95c24ffca7bc5a82ccdac572511d5e09bda4435c89c5

FROM ${BASE} AS base

FROM ${BUILD} AS build
WORKDIR /src
COPY requirements/image_serve.txt requirements/compiler.txt requirements/
# Where packages come from, for a machine with an index or a certificate authority of its own: --secret id=pip,src=pip.conf --secret id=ca,src=ca.crt
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca \
    python3 -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --only-binary :all: --target /opt/falaj/packages -r requirements/image_serve.txt && \
    python3 -m pip install --no-cache-dir --no-compile --no-deps --require-hashes --only-binary :all: --target /opt/compiler -r requirements/compiler.txt
COPY falaj falaj
COPY workloads workloads
RUN PYTHONPATH=/opt/falaj/packages:/opt/compiler python3 -m workloads.edge.code /opt/falaj/code
COPY images/bill.py images/
RUN --mount=type=bind,from=base,target=/base \
    python3 images/bill.py falaj-serve /opt/falaj/packages /base > /opt/falaj/bill.cdx.json && chmod -R u=rwX,go=rX /opt/falaj

FROM ${BASE}
COPY --from=build --chown=0:0 /opt/falaj/packages /opt/falaj/packages
COPY --from=build --chown=0:0 /opt/falaj/code /opt/falaj/code
COPY --from=build --chown=0:0 /opt/falaj/bill.cdx.json /opt/falaj/bill.cdx.json
ENV PYTHONPATH=/opt/falaj/code:/opt/falaj/packages PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --start-period=120s CMD ["python3", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8080') + '/healthz', timeout=2)"]
ENTRYPOINT ["python3", "-m", "workloads.serve"]
