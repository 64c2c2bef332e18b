# Makes one image for all four programs; docker-compose.yml says which of them a container runs.
FROM livekit/livekit-server:v1.13.5 AS audio-server

FROM node:24-slim AS javascript
WORKDIR /stillair
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM python:3.11-slim
WORKDIR /stillair
RUN pip install --no-cache-dir uv==0.13.9
COPY requirements.lock ./
RUN uv venv /venv && uv pip sync --python /venv/bin/python --require-hashes --no-cache requirements.lock
COPY --from=audio-server /livekit-server /usr/local/bin/livekit-server
COPY . .
RUN --mount=from=javascript,source=/stillair/node_modules,target=node_modules /venv/bin/python -m launcher.setup.node
RUN useradd --create-home --uid 1000 stillair && install -d -m 0700 -o stillair /data
USER stillair
VOLUME /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["python", "-m", "launcher", "service"]
