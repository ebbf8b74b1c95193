#!/usr/bin/env bash
# The two commands of the README on a bare Debian 12: makes a root file system with debootstrap, copies the work tree
# into it, runs `./dev demo` (and says hello to it) and `./dev test` there, and removes it all.
#
#   tests/bare/run.sh [demo|test]      only one of the two
#   TERN_BARE_ROOT=FOLDER run.sh       uses that folder, made when it is empty, and keeps it
#
# Root only. Where packages come from, proxies and certificates are those of this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

((EUID == 0)) || { echo "run.sh: debootstrap and chroot want root" >&2; exit 1; }
only=${1:-both}
[[ $only =~ ^(demo|test|both)$ ]] || { echo "usage: tests/bare/run.sh [demo|test]" >&2; exit 2; }

if [[ -n ${TERN_BARE_ROOT:-} ]]; then
  bare=$TERN_BARE_ROOT
  mkdir -p "$bare"
else
  bare=$(mktemp -d "${TMPDIR:-/var/tmp}/tern-bare.XXXXXX")
  # Everything mounted in it was mounted in a namespace that has ended: nothing but the tree itself is removed.
  trap 'rm -rf --one-file-system "$bare"' EXIT
fi
chmod 755 "$bare"

# Debian's own sources of this machine, as "URI SUITE COMPONENT".
debian_sources() {
  # shellcheck disable=SC2016  # apt-get expands these
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u
}

if [[ ! -e $bare/etc/debian_version ]]; then
  mirror=$(debian_sources | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
  [[ -n $mirror ]] || { echo "run.sh: no source of Debian 12 in this machine's apt; try apt-get update" >&2; exit 1; }
  echo "==> Making a bare Debian 12"
  log=$(debootstrap --variant=minbase bookworm "$bare" "$mirror" 2>&1) || { tail -n 20 <<<"$log" >&2; exit 1; }
fi

# The network as this machine has it.
debian_sources | awk '{ print "deb", $1, $2, $3 }' >"$bare/etc/apt/sources.list"
apt-config dump | grep -iE '^Acquire::(https?|ftp)?:?:?.*(Proxy|CaInfo|Verify)' >"$bare/etc/apt/apt.conf.d/99host" || true
cp -L /etc/resolv.conf /etc/hosts "$bare/etc/"
variables=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root)
if [[ -e /etc/ssl/certs/ca-certificates.crt ]]; then
  cp -L /etc/ssl/certs/ca-certificates.crt "$bare/host-certificates.crt"
  variables+=(NODE_EXTRA_CA_CERTS=/host-certificates.crt npm_config_cafile=/host-certificates.crt)
fi
for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY npm_config_registry; do
  [[ -z ${!variable:-} ]] || variables+=("$variable=${!variable}")
done
grep -hE '^(registry|proxy|https-proxy|noproxy) *=' ~/.npmrc >"$bare/root/.npmrc" 2>/dev/null || true

rm -rf "$bare/root/tern"
mkdir -p "$bare/root/tern"
git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=- --ignore-failed-read 2>/dev/null |
  tar -x -C "$bare/root/tern"

# inside COMMAND...: in namespaces of its own, so that its mounts and processes end with it.
inside() {
  # shellcheck disable=SC2016,SC2317  # expanded by the shell inside; outcome calls it
  unshare --mount --pid --fork --kill-child --mount-proc="$bare/proc" \
    env -i "${variables[@]}" sh -c '
      mount --rbind /dev "$0/dev" && mount -t tmpfs tmpfs "$0/tmp" && exec chroot "$0" sh -c "cd /root/tern || exit
$1"
    ' "$bare" "$*"
}

failed=0
outcome() {
  if "${@:2}"; then echo "==> $1: works on a bare Debian 12"; else
    echo "==> $1: FAILED on a bare Debian 12"
    failed=1
  fi
}

# Waits for the address that it prints, says hello there, ends it, and asks for its exit status.
demo() {
  # shellcheck disable=SC2016,SC2317
  inside '
    ./dev demo >/tmp/demo.log 2>&1 &
    demo=$!
    until grep -q "^Open " /tmp/demo.log; do
      kill -0 $demo 2>/dev/null || { cat /tmp/demo.log; exit 1; }
      sleep 1
    done
    cat /tmp/demo.log
    url=$(sed -n "s/^Open \([^ ]*\).*/\1/p" /tmp/demo.log)
    node tests/clients/say_chat.mjs "$url" hello || exit
    kill -TERM $demo
    wait $demo
  '
}

[[ $only == test ]] || outcome "./dev demo" demo
[[ $only == demo ]] || outcome "./dev test" inside ./dev test
exit "$failed"
