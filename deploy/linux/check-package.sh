#!/bin/sh
# Installs, upgrades, removes and purges the package, and looks at what each step leaves behind. It changes the system it
# runs on, so it is run in a throwaway copy of one: `cargo xtask dist linux --check`.
#
#   check-package.sh OLD.deb NEW.deb
set -eu
old=$1
new=$2
export DEBIAN_FRONTEND=noninteractive

fail() {
    echo "check-package: $*" >&2
    exit 1
}

# What stands at a path: owner, group, permissions.
is() {
    found=$(stat -c '%U %G %a' "$2") || fail "$2 is missing"
    [ "$found" = "$1" ] || fail "$2 is $found and should be $1"
}

gone() {
    [ ! -e "$1" ] && [ ! -L "$1" ] || fail "$1 should be gone"
}

enabled=/etc/systemd/system/multi-user.target.wants/fluxion-agent.service
settings=/etc/fluxion/fluxion-agent.toml

echo "install"
dpkg --force-depends -i "$old" > /dev/null
is "root root 755" /usr/bin/fluxion-agent
is "root root 644" /usr/lib/systemd/system/fluxion-agent.service
is "fluxion fluxion 700" /var/lib/fluxion
is "root fluxion 750" /etc/fluxion
is "root fluxion 640" "$settings"
[ -L "$enabled" ] || fail "the service is not enabled"
[ "$(getent passwd fluxion | cut -d: -f7)" = /usr/sbin/nologin ] || fail "the account can log in"
fluxion-agent --version > /dev/null || fail "the program does not start"
runuser -u fluxion -- fluxion-agent packs list > /dev/null || fail "the account cannot use the program"

echo "upgrade: configuration and data stay, also the decision to disable the service"
echo "# ours" > "$settings"
echo "token" > /var/lib/fluxion/agent-token.json
dpkg --force-depends -i "$new" > /dev/null
[ "$(cat "$settings")" = "# ours" ] || fail "the configuration was overwritten"
is "root fluxion 640" "$settings"
[ -e /var/lib/fluxion/agent-token.json ] || fail "the token is gone"
[ -L "$enabled" ] || fail "the upgrade disabled the service"
systemctl disable --quiet fluxion-agent.service
dpkg --force-depends -i "$new" > /dev/null
gone "$enabled"

echo "remove: the program goes, configuration and data stay"
dpkg -r fluxion-agent > /dev/null
gone /usr/bin/fluxion-agent
gone /usr/lib/systemd/system/fluxion-agent.service
[ "$(cat "$settings")" = "# ours" ] || fail "removing took the configuration"
[ -e /var/lib/fluxion/agent-token.json ] || fail "removing took the token"

echo "install again: what was left is used, and a configuration that was deleted stays deleted"
rm "$settings"
dpkg --force-depends -i "$new" > /dev/null
gone "$settings"
[ -e /var/lib/fluxion/agent-token.json ] || fail "installing again took the token"

echo "purge: nothing stays"
dpkg -P fluxion-agent > /dev/null
gone /usr/bin/fluxion-agent
gone /etc/fluxion
gone /var/lib/fluxion
gone /usr/share/fluxion-agent
gone "$enabled"
gone /etc/systemd/system/fluxion-agent.service
! getent passwd fluxion > /dev/null || fail "the account is still there"
echo "the package is good"
