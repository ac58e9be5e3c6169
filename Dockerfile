# Images for docker-compose.yml: `platform` for everything but the worker, `worker` with the compilers. For development
# and trials: a fleet runs on plain VMs (ansible/).
FROM debian:12-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/srv/shipd/.venv/bin:/usr/local/bin:/usr/bin:/bin
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        ca-certificates curl gcc libc6-dev libseccomp2 python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/shipd
# The lock alone first: what is installed changes more seldom than the tree.
COPY requirements.lock ./
RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir --quiet --require-hashes -r requirements.lock
COPY . .
RUN .venv/bin/pip install --no-cache-dir --quiet --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m sandbox build

FROM base AS platform
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin shipd \
    && install -d -o shipd -g shipd -m 0750 /var/lib/shipd
USER shipd
ENV SHIPD_STATE_DIR=/var/lib/shipd

# Root: a jail's namespaces, mounts, uids and control groups are made by it. What it may do besides is said in the
# compose file, right by right.
FROM base AS worker
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        g++ golang-go iproute2 junit4 nftables nodejs openjdk-17-jdk-headless rustc util-linux \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0750 /var/lib/shipd
ENV SHIPD_STATE_DIR=/var/lib/shipd
