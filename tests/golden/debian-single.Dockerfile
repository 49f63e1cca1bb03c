# Made by optbuild from optbuild.toml and optbuild.lock: change those, not this file.
# By hand:  ./base.sh && docker build --build-arg SOURCE_DATE_EPOCH=EPOCH .
# Behind a proxy with a certificate of its own, add:  --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt
# One stage, as [build] multi-stage = false asks: any change of a package makes its one layer anew.

# Debian bookworm, exactly the packages of runtime.packages; base.sh made the tars.
FROM scratch

ADD base.tar /

# What this project has beside the packages that the image of every project has (added.packages).
ADD added.tar /

# The Python packages, user, folders, entrypoint, the standard library's bytecode. What only the build needs is unpacked
# beside the base and gone before the layer is made; nothing of the base is deleted, and every time stamp is set.
RUN --mount=type=bind,source=foundation,target=/foundation \
    --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=rootfs,target=/rootfs \
    --mount=type=bind,source=requirements,target=/requirements \
    --mount=type=bind,source=stages/python-1,target=/stage \
    --mount=type=bind,source=builder.tar,target=/builder.tar \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/uv-cache \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/netrc \
    --mount=type=secret,id=uv_default_index,target=/uv_default_index \
    --mount=type=secret,id=uv_index,target=/uv_index \
    UV_CACHE_DIR=/uv-cache python3 -B /foundation/change.py stay EPOCH \
      --stamp /home/airflow/.local EPOCH -- \
      python3 -B /foundation/single.py EPOCH /builder.tar -- \
        /bin/bash /scripts/rootfs.sh /out/rootfs EPOCH

WORKDIR /opt/airflow

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

ENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint"]

CMD []
