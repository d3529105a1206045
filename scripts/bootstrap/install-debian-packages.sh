#!/bin/sh
# Installs the named packages as root, and lets none of the services they bring start, neither now nor at the next boot:
# Spansync starts the servers it needs by itself, and nobody asked for one that listens on this machine.
set -eu
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

policy=/usr/sbin/policy-rc.d
saved=$policy.before-spansync
mark='# Written by the set-up of Spansync, to be removed when it ends.'

restore() {
  if [ -e "$policy" ] && grep -qF "$mark" "$policy"; then rm -f "$policy"; fi
  if [ -e "$saved" ] || [ -L "$saved" ]; then mv -f "$saved" "$policy"; fi
}
restore # what a killed run may have left
trap restore EXIT
trap 'exit 130' HUP INT TERM

if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$saved"; fi
printf '%s\n' '#!/bin/sh' "$mark" 'exit 101' > "$policy"
chmod 755 "$policy"

apt='apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2'
$apt update
offered=
for package in "$@"; do
  # One name that an older release does not know must not keep the others out.
  if apt-cache show "$package" > /dev/null 2>&1; then offered="$offered $package"; fi
done
# shellcheck disable=SC2086
[ -z "$offered" ] || $apt install -y --no-install-recommends $offered

# Installation has also enabled the services for the next boot.
for package in $offered; do
  for file in $(dpkg -L "$package" | grep -E '/systemd/system/[^@/]+\.service$|^/etc/init\.d/.'); do
    name=${file##*/}
    case $file in
      /etc/init.d/*) update-rc.d "$name" disable ;;
      *)
        if command -v systemctl > /dev/null; then
          systemctl disable "$name"
        else
          find /etc/systemd/system -type l -lname "*/$name" -delete
        fi
        ;;
    esac
  done
done
