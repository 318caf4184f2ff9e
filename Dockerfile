# Images of all Holdfast programs. The image builds are not tested: no container engine was at hand. Tested are what the
# build commands give, and every command, environment and health check of docker-compose.yml, as processes.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /holdfast
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM scratch AS programs
COPY --from=build /holdfast/package.json /holdfast/package.json
COPY --from=build /holdfast/node_modules /holdfast/node_modules
COPY --from=build /holdfast/dist /holdfast/dist
COPY --from=build /holdfast/bin /holdfast/bin
COPY --from=build /holdfast/catalog/migrations /holdfast/catalog/migrations
COPY --from=build /holdfast/scripts/deploy /holdfast/scripts/deploy

# api, worker, init and the command line. Number 999 as of the account `postgres` below: the enrolment tokens that init
# writes, 0600, are read by the agents.
FROM node:20.20.2-bookworm-slim AS control
COPY --from=programs / /
RUN ln -s /holdfast/bin/holdfast.mjs /usr/local/bin/holdfast \
  && useradd --system --uid 999 --user-group --home-dir /var/lib/holdfast holdfast \
  && install -d -o 999 -g 999 -m 0700 /var/lib/holdfast /var/lib/holdfast-enrolment
USER 999:999
ENTRYPOINT ["holdfast"]

# A PostgreSQL and the agent beside it. An agent on a host of yours needs only Node, the programs and PostgreSQL's own.
FROM postgres:18.4 AS demo-host
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=programs / /
RUN ln -s /holdfast/bin/holdfast.mjs /usr/local/bin/holdfast \
  && install -d -o 999 -g 999 -m 0700 /var/lib/holdfast-agent /var/lib/holdfast-enrolment /var/lib/postgresql
USER 999:999
ENTRYPOINT ["/holdfast/scripts/deploy/demo-host.sh"]
