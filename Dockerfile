# The service alone; compose.yaml puts Redis and LiveKit beside it.

FROM node:24-slim AS web-client
WORKDIR /web
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim AS package
WORKDIR /build
RUN python -m venv /app
COPY requirements ./requirements
RUN /app/bin/pip install --no-cache-dir --require-hashes -r requirements/base.txt -r requirements/build.txt
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY dormparty_sse ./dormparty_sse
COPY --from=web-client /web/node_modules/livekit-client/dist/livekit-client.esm.mjs \
    /web/node_modules/swagger-ui-dist/swagger-ui.css /web/node_modules/swagger-ui-dist/swagger-ui-bundle.js \
    dormparty_sse/web/static/vendor/
RUN /app/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --no-create-home dormparty
COPY --from=package /app /app
COPY config /srv/config
WORKDIR /srv
USER dormparty
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", \
    "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["dormparty-sse", "serve"]
