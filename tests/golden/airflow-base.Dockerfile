# Made by optbuild from optbuild.toml and optbuild.lock: change those, not this file.
# By hand:  ./debs.sh && docker build --build-arg SOURCE_DATE_EPOCH=EPOCH .
# Behind a proxy with a certificate of its own, add:  --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt

# The image of Airflow that this one extends, by its digest. The tag only says which one that was: it may have moved since.
FROM apache/airflow:2.8.1-python3.11@sha256:5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c AS base

# What the final image has besides that and the Python packages: the Debian packages of runtime.packages, which debs.sh
# downloaded, and the folders that images of Airflow lack. Made here and copied, because a RUN in the final stage would
# bring its own time stamps.
FROM base AS rootfs

# hadolint ignore=DL3002
USER 0

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]

RUN --network=none \
    --mount=type=bind,source=foundation,target=/foundation \
    --mount=type=bind,source=debs,target=/debs \
    python3 -B /foundation/change.py collect /out EPOCH --debs /debs -- \
      python3 -B /foundation/airflow_folders.py

# The same with builder.packages beside it: pip to install the pinned uv and strip. It lacks the Python packages of
# Airflow, so that each stage below sees only its own. None of it is copied.
FROM base AS builder

# hadolint ignore=DL3002
USER 0

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]

RUN --network=none \
    --mount=type=bind,source=foundation,target=/foundation \
    --mount=type=bind,source=debs,target=/debs \
    --mount=type=bind,source=builder-debs,target=/builder-debs \
    python3 -B /foundation/change.py install --debs /debs --debs /builder-debs \
    && /usr/local/bin/python3.11 /foundation/airflow_builder.py
RUN --mount=type=bind,source=scripts/install.sh,target=/scripts/install.sh \
    --mount=type=bind,source=scripts/fetch.py,target=/scripts/fetch.py \
    --mount=type=bind,source=requirements/uv.txt,target=/requirements/uv.txt \
    --mount=type=cache,id=optbuild-pip,target=/root/.cache/pip \
    --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    --mount=type=secret,id=netrc,target=/root/.netrc \
    --mount=type=secret,id=uv_default_index \
    --mount=type=secret,id=uv_index \
    PIP_USER=0 /bin/bash /scripts/install.sh tools

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

# The Python packages that the base lacks or has in another version: each stage installs some of them and writes a folder
# per layer. It sees only its own list, so a new version of one package runs one stage.
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
# Packages of this image's Airflow lie in a user's site folder, which has no interpreter beside it.
RUN --mount=type=bind,source=foundation,target=/foundation \
    /usr/local/bin/python3.11 -B /foundation/user_site.py /out /usr/local/bin/python3.11

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
# Packages of this image's Airflow lie in a user's site folder, which has no interpreter beside it.
RUN --mount=type=bind,source=foundation,target=/foundation \
    /usr/local/bin/python3.11 -B /foundation/user_site.py /out /usr/local/bin/python3.11

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
# Packages of this image's Airflow lie in a user's site folder, which has no interpreter beside it.
RUN --mount=type=bind,source=foundation,target=/foundation \
    /usr/local/bin/python3.11 -B /foundation/user_site.py /out /usr/local/bin/python3.11

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
# Packages of this image's Airflow lie in a user's site folder, which has no interpreter beside it.
RUN --mount=type=bind,source=foundation,target=/foundation \
    /usr/local/bin/python3.11 -B /foundation/user_site.py /out /usr/local/bin/python3.11

# Whether pruning broke an import, over all that is added: a stage of its own, so that what lies in a layer depends on no
# other. It ends without a file. The final image copies that, above the packages, which need not wait for it, and so is not
# made where the check fails.
FROM builder AS check

RUN --mount=type=bind,source=scripts,target=/scripts \
    --mount=type=bind,from=python-2,source=/opt/optbuild/notes,target=/notes/python-2 \
    --mount=type=bind,from=python-7,source=/opt/optbuild/notes,target=/notes/python-7 \
    --mount=type=bind,from=python-10,source=/opt/optbuild/notes,target=/notes/python-10 \
    --mount=type=bind,from=python-12,source=/opt/optbuild/notes,target=/notes/python-12 \
    python3 /scripts/finish.py check /notes \
    && mkdir /out

FROM base

USER 0

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-c"]

# Other versions of these come in the layers above. Their files stay in the layers of the base, where no container sees
# them; that they are gone is noted with the time of the build, so another build of this has the same contents and
# another ID.
RUN --network=none \
    --mount=type=bind,source=foundation,target=/foundation \
    python3 -B /foundation/change.py stay EPOCH -- \
      python3 -B /foundation/remove_distributions.py \
      numpy \
      pandas

COPY --link --from=rootfs /out/ /
COPY --link --from=python-2 /out/core-2/ /
COPY --link --from=python-7 /out/numpy.libs/ /
COPY --link --from=python-10 /out/pandas/ /
COPY --link --from=python-12 /out/seaborn/ /
COPY --link --from=python-7 /out/numpy/ /
COPY --link --from=check /out/ /

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

SHELL ["/bin/bash", "-o", "pipefail", "-o", "errexit", "-o", "nounset", "-o", "nolog", "-c"]

USER 50000
