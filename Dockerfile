# syntax=docker/dockerfile:1

# The newest LTS line of Node; 20.19 and later work as well.
ARG NODE_VERSION=24

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
# Numeric, so that Kubernetes can see that it is not root (runAsNonRoot).
RUN mkdir /data && chown 10001:10001 /data
USER 10001:10001
# Relative paths, such as MLflow's default sqlite:///mlflow.db, land on the volume.
WORKDIR /data
VOLUME /data
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["sync"]
