# Image of all Holdfast programs. Not tested here: no container engine was at hand; the commands are those of npm start.
FROM node:20-bookworm-slim AS build
WORKDIR /holdfast
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
WORKDIR /holdfast
COPY --from=build /holdfast/package.json ./
COPY --from=build /holdfast/node_modules ./node_modules
COPY --from=build /holdfast/dist ./dist
COPY --from=build /holdfast/bin ./bin
COPY --from=build /holdfast/catalog/migrations ./catalog/migrations
RUN useradd --system --create-home --home-dir /var/lib/holdfast holdfast
USER holdfast
ENTRYPOINT ["node", "/holdfast/bin/holdfast.mjs"]
