# BASE must bring Node 24.12 or newer, npm 11 and a shell.
ARG BASE=node:24-slim
FROM ${BASE} AS bundle
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY scripts/build.mjs scripts/
COPY src src
RUN npm run build

# All that runs is in the bundle, so the image has no node_modules.
FROM ${BASE}
WORKDIR /app
COPY package.json ./
COPY bin bin
COPY --from=bundle /app/dist dist
RUN ln -s /app/bin/dbconn.mjs /usr/local/bin/dbconn && mkdir /data && chown 1000:1000 /data
# The allocator gives back what was freed: otherwise that is a third of the memory of a bot that mostly waits.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/data/node \
    MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072 MALLOC_MMAP_THRESHOLD_=65536 \
    DBCONN_JOURNAL=/data/dbconn.sqlite DBCONN_HTTP_PORT=8080
USER 1000
# The journal: mount a volume here. Nothing else is written, so the rest may be read-only.
VOLUME /data
# Alerts, health and metrics; and Slack's requests where Socket Mode is not used.
EXPOSE 8080 3000
# Slack being down is no reason for a restart: /healthz says whether this process works.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD node bin/healthy.mjs "$DBCONN_HTTP_PORT"
STOPSIGNAL SIGTERM
# Not `npm start`: npm does not forward SIGTERM, and the bot drains on it. Give it ten minutes for that.
CMD ["node", "--optimize-for-size", "--max-semi-space-size=2", "--v8-pool-size=1", "bin/main.mjs"]
