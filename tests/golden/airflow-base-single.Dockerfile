# Made by optbuild from optbuild.toml and optbuild.lock: change those, not this file.
# By hand:  ./debs.sh && docker build --build-arg SOURCE_DATE_EPOCH=EPOCH .
# Behind a proxy with a certificate of its own, add:  --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt
# One stage, as [build] multi-stage = false asks: any change of a package makes its one layer anew.

# The image of Airflow that this one extends, by its digest. The tag only says which one that was: it may have moved since.
FROM apache/airflow:2.8.1-python3.11@sha256:5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c

USER 0

# The Debian packages of runtime.packages, which debs.sh downloaded, and the folders that images of Airflow lack.
RUN --network=none \
    --mount=type=bind,source=foundation,target=/foundation \
    --mount=type=bind,source=debs,target=/debs \
    python3 -B /foundation/change.py stay EPOCH --debs /debs -- \
      python3 -B /foundation/airflow_folders.py

# The Python packages that the base lacks or has in another version. What only the build needs is unpacked beside the
# base and gone before the layer is made.
# The named ones are replaced: that their files are gone is noted with the time of the build, so another build of this has
# the same contents and another ID.
RUN --mount=type=bind,source=foundation,target=/foundation \
    --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=rootfs,target=/rootfs \
    --mount=type=bind,source=requirements,target=/requirements \
    --mount=type=bind,source=stages/python-2,target=/stage \
    --mount=type=bind,source=builder-debs,target=/builder-debs \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/uv-cache \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/netrc \
    --mount=type=secret,id=uv_default_index,target=/uv_default_index \
    --mount=type=secret,id=uv_index,target=/uv_index \
    UV_CACHE_DIR=/uv-cache python3 -B /foundation/change.py stay EPOCH \
      --stamp /home/airflow/.local EPOCH -- \
      python3 -B /foundation/airflow_single.py EPOCH /builder-debs -- \
        /usr/local/bin/python3.11 user-site numpy pandas

ENV AIRFLOW__CORE__LOAD_EXAMPLES="false"

LABEL org.opencontainers.image.title="ml-pipeline-airflow" \
    org.opencontainers.image.version="2.8.1" \
    org.opencontainers.image.created="CREATED" \
    org.opencontainers.image.base.name="apache/airflow:2.8.1-python3.11" \
    org.opencontainers.image.base.digest="sha256:5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c" \
    optbuild.base.kind="airflow" \
    optbuild.base.layers="1" \
    optbuild.content="@optbuild.content@" \
    optbuild.project="ml-pipeline-airflow" \
    org.apache.airflow.version="2.8.1"

USER 50000
