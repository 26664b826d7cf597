# The service alone; compose.yaml puts Redis and LiveKit beside it.

FROM node:24-slim AS web-client
WORKDIR /web
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# What builds stays here: what runs has neither pip nor setuptools.
FROM python:3.13-slim AS package
WORKDIR /build
COPY requirements ./requirements
RUN python -m venv --without-pip /app \
    && pip install --no-cache-dir --require-hashes -r requirements/build.txt \
    && pip --python /app/bin/python install --no-cache-dir --require-hashes -r requirements/base.txt
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY dormparty_sse ./dormparty_sse
COPY --from=web-client /web/node_modules/livekit-client/dist/livekit-client.esm.mjs \
    /web/node_modules/swagger-ui-dist/swagger-ui.css /web/node_modules/swagger-ui-dist/swagger-ui-bundle.js \
    dormparty_sse/web/static/vendor/
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . \
    && pip --python /app/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl

# Runs as nobody in particular, on a root that may be read-only: it writes below /tmp alone, and little.
FROM python:3.13-slim
RUN pip uninstall --yes --quiet --root-user-action=ignore pip && rm -rf /usr/local/lib/python3.13/ensurepip
COPY --from=package /app /app
COPY config /srv/config
WORKDIR /srv
USER 10001:10001
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", \
    "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["dormparty-sse", "serve"]
