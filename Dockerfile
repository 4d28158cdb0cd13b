# BASE must bring Node 24.12 or newer.
ARG BASE=node:24-slim
FROM ${BASE}
WORKDIR /app
ENV NODE_ENV=production NODE_COMPILE_CACHE=/data/node MALLOC_ARENA_MAX=2 DBCONN_JOURNAL=/data/dbconn.sqlite
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts
COPY bin bin
COPY src src
RUN ln -s /app/bin/dbconn.mjs /usr/local/bin/dbconn && mkdir /data && chown 1000:1000 /data
USER 1000
# The journal: mount a volume here.
VOLUME /data
# Not `npm start`: npm does not forward SIGTERM, and the bot drains on it.
CMD ["node", "--optimize-for-size", "--max-semi-space-size=2", "src/main.ts"]
