# Makes one image for all four programs; docker-compose.yml says which of them a container runs.
# What is fetched is compared with hashes that stand here or in the lock files. docs/releasing.md says how to renew those of the images.
FROM livekit/livekit-server:v1.13.5@sha256:3497163e15c48fef6e7830c78716f9e9d5edc28abf7aa90b61c86e93bbc306b1 AS audio-server

FROM python:3.11-slim AS base

FROM base AS javascript
WORKDIR /stillair
COPY launcher/setup/requirements-node.lock package.json package-lock.json ./
RUN pip install --no-cache-dir --require-hashes -r requirements-node.lock && npm ci --omit=dev --ignore-scripts

FROM base
WORKDIR /stillair
COPY requirements.lock launcher/setup/requirements-uv.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && uv venv /venv && uv pip sync --python /venv/bin/python --require-hashes --no-cache requirements.lock
COPY --from=audio-server /livekit-server /usr/local/bin/livekit-server
COPY . .
RUN --mount=from=javascript,source=/stillair/node_modules,target=node_modules /venv/bin/python -m launcher.setup.node
RUN useradd --create-home --uid 1000 stillair && install -d -m 0700 -o stillair /data
USER stillair
VOLUME /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STILLAIR_LIVEKIT_SERVER=/usr/local/bin/livekit-server
ENTRYPOINT ["python", "-m", "launcher", "service"]
