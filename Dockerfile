# syntax=docker/dockerfile:1

# Everything is installed in the first stage, by hash, and copied as a whole: no compiler, no pip cache in the image.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/one-api
COPY requirements/ requirements/
RUN /opt/build/bin/pip install --require-hashes --no-deps -r requirements/build.lock \
 && /opt/build/bin/pip --python /opt/one-api/bin/python install --require-hashes --no-deps -r requirements/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY admin_ui/ admin_ui/
COPY gateway/ gateway/
COPY adapters/ adapters/
COPY storage/ storage/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /src/dist . \
 && /opt/build/bin/pip --python /opt/one-api/bin/python install --no-deps /src/dist/*.whl \
 && /opt/one-api/bin/python -m compileall -q /opt/one-api/lib

FROM python:3.13-slim
# 65532: the number that images without root use; /data is all that the gateway writes to.
RUN groupadd --gid 65532 gateway && useradd --uid 65532 --gid 65532 --home-dir /data --no-create-home gateway \
 && install --directory --owner=65532 --group=65532 /data
COPY --from=build /opt/one-api /opt/one-api
ENV PATH=/opt/one-api/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SQLITE_PATH=/data/one-api.db
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 3000), timeout=4); c.request('GET', '/api/status'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["one-api"]
CMD ["serve"]
