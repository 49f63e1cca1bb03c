# Made by optbuild from optbuild.toml and optbuild.lock: change those, not this file.
# By hand:  ./base.sh && docker build --build-arg SOURCE_DATE_EPOCH=EPOCH .
# Behind a proxy with a certificate of its own, add:  --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt

# Debian bookworm, exactly the packages of runtime.packages; base.sh made the tars.
FROM scratch AS base

ADD base.tar /

# What this project has beside the packages that the image of every project has (added.packages).
ADD added.tar /

# What the final image has besides Debian and the Python packages: user, folders, entrypoint, the standard library's
# bytecode. Made here and copied, because a RUN in the final stage would bring its own time stamps.
FROM base AS rootfs

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=rootfs,target=/rootfs \
    /bin/bash /scripts/rootfs.sh /out EPOCH

# The same Debian with builder.packages beside it: pip to install the pinned uv and strip. None of it is copied.
FROM base AS builder

ADD builder.tar /

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]

RUN --mount=type=bind,source=scripts/install.sh,target=/scripts/install.sh \
    --mount=type=bind,from=rootfs,source=/out/usr/lib,target=/stdlib \
    --mount=type=bind,source=scripts/fetch.py,target=/scripts/fetch.py \
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

# The Python packages: each stage installs some of them and writes a folder per layer. It sees only its own list, so a new
# version of one package runs one stage.
FROM builder AS python-1

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-1,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-2

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-2,target=/stage \
    --mount=type=bind,from=sdists,source=/opt/optbuild/wheels,target=/opt/optbuild/wheels \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-3

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-3,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-5

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-5,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-7

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-7,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-8

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-8,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-9

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-9,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-10

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-10,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-11

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-11,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

FROM builder AS python-12

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,source=stages/python-12,target=/stage \
    --mount=type=cache,id=optbuild-finish,target=/var/cache/optbuild-finish \
    --mount=type=cache,id=optbuild-uv-UV,target=/root/.cache/uv \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    /bin/bash /scripts/install.sh packages /out EPOCH

# Whether pruning broke an import, over all packages: a stage of its own, so that what lies in a layer depends on no other.
# It ends without a file. The final image copies that, above the packages, which need not wait for it, and so is not made
# where the check fails.
FROM builder AS check

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,from=python-1,source=/opt/optbuild/notes,target=/notes/python-1 \
    --mount=type=bind,from=python-2,source=/opt/optbuild/notes,target=/notes/python-2 \
    --mount=type=bind,from=python-3,source=/opt/optbuild/notes,target=/notes/python-3 \
    --mount=type=bind,from=python-5,source=/opt/optbuild/notes,target=/notes/python-5 \
    --mount=type=bind,from=python-7,source=/opt/optbuild/notes,target=/notes/python-7 \
    --mount=type=bind,from=python-8,source=/opt/optbuild/notes,target=/notes/python-8 \
    --mount=type=bind,from=python-9,source=/opt/optbuild/notes,target=/notes/python-9 \
    --mount=type=bind,from=python-10,source=/opt/optbuild/notes,target=/notes/python-10 \
    --mount=type=bind,from=python-11,source=/opt/optbuild/notes,target=/notes/python-11 \
    --mount=type=bind,from=python-12,source=/opt/optbuild/notes,target=/notes/python-12 \
    python3 /scripts/finish.py check /notes \
    && mkdir /out

FROM base

COPY --link --from=rootfs /out/ /

# Below the packages: it makes an empty layer, which a new version of one of them need not move.
WORKDIR /opt/airflow

COPY --link --from=python-1 /out/babel/ /
COPY --link --from=python-1 /out/grpcio/ /
COPY --link --from=python-1 /out/sqlalchemy/ /
COPY --link --from=python-2 /out/web/ /
COPY --link --from=python-1 /out/pygments/ /
COPY --link --from=python-3 /out/apache-airflow/ /
COPY --link --from=python-1 /out/cryptography/ /
COPY --link --from=python-3 /out/pydantic/ /
COPY --link --from=python-1 /out/setuptools/ /
COPY --link --from=python-3 /out/providers/ /
COPY --link --from=python-3 /out/flask-appbuilder/ /
COPY --link --from=python-2 /out/core-0/ /
COPY --link --from=python-2 /out/core-1/ /
COPY --link --from=python-2 /out/core-2/ /
COPY --link --from=python-2 /out/core-3/ /
COPY --link --from=python-2 /out/core-4/ /
COPY --link --from=python-8 /out/pillow.libs/ /
COPY --link --from=python-5 /out/scipy.libs/ /
COPY --link --from=python-8 /out/fonttools/ /
COPY --link --from=python-7 /out/numpy.libs/ /
COPY --link --from=python-5 /out/scipy/ /
COPY --link --from=python-8 /out/data/ /
COPY --link --from=python-8 /out/pillow/ /
COPY --link --from=python-9 /out/scikit-learn/ /
COPY --link --from=python-10 /out/pandas/ /
COPY --link --from=python-11 /out/matplotlib/ /
COPY --link --from=python-12 /out/psycopg2-binary.libs/ /
COPY --link --from=python-12 /out/seaborn/ /
COPY --link --from=python-7 /out/numpy/ /
COPY --link --from=python-12 /out/psycopg2-binary/ /
COPY --link --from=check /out/ /

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
