# syntax=docker/dockerfile:1

# A line of Node with long-term support. Not 24: compiled against the headers of 24.19 and later, better-sqlite3 12
# ends the process when a statement is collected (docs/decisions/0005-node-20-floor.md).
ARG NODE_VERSION=22

# The full image has the compiler that better-sqlite3 needs where no prebuilt binary can be fetched.
FROM node:${NODE_VERSION}-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

# The same Debian release, so that the compiled SQLite binding finds its C library.
FROM node:${NODE_VERSION}-bookworm-slim
ENV NODE_ENV=production \
    SYNC_STATE_FILE=/data/langfuse-mlflow.db
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY package.json LICENSE /app/
COPY migrations /app/migrations
LABEL org.opencontainers.image.title="langfuse-mlflow" \
      org.opencontainers.image.description="Syncs Langfuse to MLflow" \
      org.opencontainers.image.licenses="Apache-2.0"
# Numeric, so that Kubernetes can see that it is not root (runAsNonRoot).
RUN mkdir /data && chown 10001:10001 /data
USER 10001:10001
# Relative paths, such as MLflow's default sqlite:///mlflow.db, land on the volume.
WORKDIR /data
VOLUME /data
# No HEALTHCHECK: a one-shot tells its health by its exit code. For `schedule`, docs/operations.md has one.
# The worker is process 1 and starts no other, so signals reach it and no init is needed.
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["sync"]
