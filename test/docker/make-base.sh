#!/bin/sh
# Makes dbconn-test/base, which stands in for the Dockerfile's BASE where no registry can be reached: this machine's
# Node, npm, shell and coreutils with their libraries, and what npm would download for package-lock.json in npm's own
# cache, so that the build needs no network at all. Takes the repository and the node to put in.
set -eu

# Only by the machine's own Node does npm find the machine's settings, such as the certificates of its registry.
PATH=$(printf %s "$PATH" | tr : '\n' | grep -v '/node_modules/\.bin$' | paste -sd: -)
repository=$1
node=$2
npm=$(dirname "$(dirname "$(realpath "$(command -v npm)")")")
root=$(mktemp -d)
trap 'rm -rf "$root" "$root.tar" "$root.modules"' EXIT
mkdir -p "$root"/etc "$root"/tmp "$root"/root "$root"/usr/local/bin "$root"/usr/local/lib/node_modules "$root"/usr/bin "$root"/usr/lib "$root"/usr/lib64
for name in bin lib lib64; do ln -s "usr/$name" "$root/$name"; done
chmod 1777 "$root"/tmp
printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n' >"$root"/etc/passwd
printf 'root:x:0:\nnode:x:1000:\n' >"$root"/etc/group
printf 'hosts: files dns\n' >"$root"/etc/nsswitch.conf

cp -L "$node" "$root"/usr/local/bin/node
cp -a "$npm" "$root"/usr/local/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root"/usr/local/bin/npm
for program in sh env mkdir chown ln cat id; do cp -L "/usr/bin/$program" "$root/usr/bin/$program"; done
# As the Dockerfile installs, for npm's cache alone.
mkdir "$root.modules"
cp "$repository"/package.json "$repository"/package-lock.json "$root.modules"
(cd "$root.modules" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --cache "$root"/root/.npm) >/dev/null
printf 'offline=true\nregistry=%s\n' "$(npm config get registry 2>/dev/null)" >"$root"/root/.npmrc

# Each library where the loader looked it up; the loader itself too, and what the bundler needs. Names are looked up by
# libraries of their own.
for program in "$root"/usr/local/bin/node "$root"/usr/bin/* "$root.modules"/node_modules/@rolldown/*/*.node; do
  ldd "$program"
done | grep -o '/[^ ]*\.so[^ ]*' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

tar -C "$root" --owner=0 --group=0 -cf "$root.tar" .
# What was built on the one before goes with it, or each run would leave both without a name.
docker rmi dbconn-test/bot >/dev/null 2>&1 || true # there may be none, or another run may use it
old=$(docker images -q dbconn-test/base:latest)
docker import -c 'ENV PATH=/usr/local/bin:/usr/bin:/bin' "$root.tar" dbconn-test/base:latest >/dev/null
[ -z "$old" ] || docker rmi "$old" >/dev/null 2>&1 || true # an image of another run may still stand on it
