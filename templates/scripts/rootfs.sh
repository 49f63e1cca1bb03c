#!/bin/bash
# Runs in the rootfs stage: makes below $1, with time stamp $2, what the final image has besides Debian and the Python packages. Each folder
# gets the mode and owner that it has in every other layer, because a later layer's entry overrides an earlier one's.
set -o pipefail -o errexit -o nounset

readonly root=$1 epoch=$2 source=/rootfs
umask 0002
export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0

install -d -m 0755 "$root" "$root"/{etc,etc/profile.d,home,opt,usr,usr/local,usr/local/bin}
install -d -m 0775 -o 50000 -g 0 "$root"/home/airflow "$root"/opt/airflow "$root"/opt/airflow/{config,dags,logs,plugins}
install -m 0755 "$source/entrypoint" "$root/entrypoint"
install -m 0755 "$source/pip" "$root/usr/local/bin/pip"
install -m 0644 "$source/profile.sh" "$root/etc/profile.d/airflow.sh"
ln -s pip "$root/usr/local/bin/pip3"
ln -s /home/airflow/.local/bin/airflow "$root/usr/local/bin/airflow"   # for shells with a PATH of their own

# Debian's own bytecode depends on the run that made it, so the base comes without; this makes it, the same each time.
# What follows here reads it too.
python3 /scripts/finish.py stdlib "$root"
cp --recursive "$root/usr/lib/." /usr/lib/

# The user of the official image. /etc/passwd is writable for group 0: the entrypoint enters an unknown user there.
cp /etc/passwd "$root/etc/"
echo 'airflow:x:50000:0:airflow:/home/airflow:/bin/bash' >>"$root/etc/passwd"
chmod 0664 "$root/etc/passwd"

# The environment that the packages lie in, as it is before the first of them: no layer of theirs has a part of it.
python3 -m venv --without-pip --symlinks /home/airflow/.local
rm -f /home/airflow/.local/bin/[Aa]ctivate*
mv /home/airflow/.local "$root/home/airflow/"
chown -R -h 50000:0 "$root/home/airflow/.local"
chmod -R u+rwX,g+rwX,o+rX "$root/home/airflow/.local"

python3 /scripts/finish.py stamp "$root" "$epoch"
