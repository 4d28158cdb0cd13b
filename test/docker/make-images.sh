#!/bin/sh
# Makes the two images the Docker tests use, in a fraction of a second, with no registry and no network:
#   dbconn-test/postgres   the newest PostgreSQL of this machine, as the official image behaves
#   dbconn-test/backend    this machine's Python with SQLAlchemy, to run backend.py
# An image holds only symlinks and accounts; its programs are this machine's, so a container of it needs
# the bind mount /usr:/usr:ro.
set -eu

pg_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
root=$(mktemp -d)
trap 'rm -rf "$root" "$root.tar"' EXIT
mkdir -p "$root"/etc "$root"/usr "$root"/tmp "$root"/root "$root"/app "$root"/run/postgresql "$root"/var/lib/postgresql/data
# A directory, not a link into the read-only /usr: the engine mounts its init process at /sbin/docker-init.
mkdir "$root"/sbin
for name in bin lib lib64; do ln -s "usr/$name" "$root/$name"; done
ln -s ../run "$root"/var/run
chmod 1777 "$root"/tmp
chmod 0777 "$root"/run/postgresql
chmod 0700 "$root"/var/lib/postgresql/data
# Debian reaches libraries and programs through these two.
cp -a /etc/alternatives "$root"/etc/
cp /etc/ld.so.cache "$root"/etc/
printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\napp:x:1000:1000::/app:/bin/sh\n' >"$root"/etc/passwd
printf 'root:x:0:\npostgres:x:999:\napp:x:1000:\n' >"$root"/etc/group
printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$root"/etc/nsswitch.conf

cat >"$root"/docker-entrypoint.sh <<'ENTRYPOINT'
#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  printf '%s\n' "${POSTGRES_PASSWORD:?}" >/tmp/password
  # As the official image: POSTGRES_USER is a superuser, the socket trusts, the network asks for a password.
  initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  printf '%s\n' "$POSTGRESQL_CONF" >>"$PGDATA/postgresql.conf"
  pg_ctl -D "$PGDATA" -s -o "-c listen_addresses=''" -w start
  [ "$POSTGRES_DB" = postgres ] || createdb -U "$POSTGRES_USER" "$POSTGRES_DB"
  if [ -n "$APP_PASSWORD" ]; then
    psql -qX -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v password="$APP_PASSWORD" <<'SQL'
create role app login password :'password';
grant all on schema public to app;
SQL
  fi
  pg_ctl -D "$PGDATA" -s -m fast -w stop
fi
exec "$@" -D "$PGDATA" -c listen_addresses='*'
ENTRYPOINT
chmod 755 "$root"/docker-entrypoint.sh

tar -C "$root" --owner=0 --group=0 --exclude=./var/lib/postgresql/data -cf "$root.tar" .
# A fresh volume takes its owner from the image, and initdb refuses a directory that is not its own.
tar -C "$root" --owner=999 --group=999 -rf "$root.tar" ./var/lib/postgresql/data

# Imports under that name; the image that had it goes, or each run would leave one without a name.
import_as() {
  name=$1
  shift
  old=$(docker images -q "$name:latest")
  docker import "$@" "$root.tar" "$name:latest" >/dev/null
  [ -z "$old" ] || docker rmi "$old" >/dev/null 2>&1 || true # a container of another run may still use it
}

import_as dbconn-test/postgres \
  -c "ENV PATH=$pg_bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data POSTGRES_USER=postgres POSTGRES_DB=postgres APP_PASSWORD= POSTGRESQL_CONF= LC_ALL=C.UTF-8" \
  -c 'VOLUME /var/lib/postgresql/data' -c 'USER 999:999' -c 'EXPOSE 5432' \
  -c 'ENTRYPOINT ["/docker-entrypoint.sh"]' -c 'CMD ["postgres"]'
import_as dbconn-test/backend \
  -c 'ENV PATH=/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1' \
  -c 'USER 1000:1000' -c 'WORKDIR /app' -c 'EXPOSE 8000' \
  -c 'CMD ["python3","/app/backend.py"]'
