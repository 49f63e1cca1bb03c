# Made by optbuild from optbuild.toml and optbuild.lock: change those, not this file.
# By hand:  ./base.sh && docker build --build-arg SOURCE_DATE_EPOCH=EPOCH .
# Behind a proxy with a certificate of its own, add:  --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt

# Debian bookworm, exactly the packages of runtime.packages; base.sh made the tar.
FROM scratch AS base

ADD base.tar /

# What the final image has besides Debian and the Python packages: user, folders, entrypoint, the standard library's
# bytecode. Made here and copied, because a RUN in the final stage would bring its own time stamps.
FROM base AS rootfs

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=rootfs,target=/rootfs \
    /bin/bash /scripts/rootfs.sh /out EPOCH

# The same Debian with builder.packages beside it: pip to install the pinned uv and strip. None of it is copied.
FROM scratch AS builder

ADD builder.tar /

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]

RUN --mount=type=bind,source=scripts/install.sh,target=/scripts/install.sh \
    --mount=type=bind,source=requirements/uv.txt,target=/requirements/uv.txt \
    --mount=type=cache,id=optbuild-pip,target=/root/.cache/pip \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh tools

# Wheels of what has only a source.
FROM builder AS sdists

RUN --mount=type=bind,source=scripts/install.sh,target=/scripts/install.sh \
    --mount=type=bind,source=requirements/sdists.txt,target=/requirements/sdists.txt \
    --mount=type=bind,source=requirements/build-requires.txt,target=/requirements/build-requires.txt \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh sdists

# The locked distributions, finished in the one RUN: what another changed would be stored a second time.
FROM builder AS packages

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=requirements/requirements.txt,target=/requirements/requirements.txt \
    --mount=type=bind,source=requirements/sdists.txt,target=/requirements/sdists.txt \
    --mount=type=bind,from=sdists,source=/opt/optbuild/wheels,target=/opt/optbuild/wheels \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM base

COPY --link --from=rootfs /out/ /
COPY --link --from=packages /out/ /

ENV PATH="/home/airflow/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    VIRTUAL_ENV="/home/airflow/.local" \
    LANG="C.UTF-8" \
    LC_ALL="C.UTF-8" \
    AIRFLOW_HOME="/opt/airflow" \
    AIRFLOW_UID="50000" \
    AIRFLOW_USER_HOME_DIR="/home/airflow" \
    AIRFLOW_VERSION="2.8.1" \
    AIRFLOW__CORE__LOAD_EXAMPLES="false" \
    DUMB_INIT_SETSID="1" \
    GUNICORN_CMD_ARGS="--worker-tmp-dir /dev/shm"

LABEL org.opencontainers.image.title="ml-pipeline-airflow" \
    org.opencontainers.image.version="2.8.1" \
    org.opencontainers.image.created="CREATED" \
    org.opencontainers.image.base.name="debian:bookworm" \
    optbuild.content="@optbuild.content@" \
    optbuild.project="ml-pipeline-airflow" \
    org.apache.airflow.version="2.8.1"

EXPOSE 8080

USER 50000

WORKDIR /opt/airflow

ENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint"]

CMD []
