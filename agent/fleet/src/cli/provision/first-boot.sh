#!/bin/sh
# Brings a freshly flashed board to a running weir. cloud-init puts it at /usr/local/lib/weir/first-boot, and what is this
# board's own in /etc/weir/first-boot.conf. weir-first-boot.service starts it at every boot until all is done, and again a
# minute after a step that failed; every step may be done twice.
#
# Made by weir-fleet provision. Tried on Debian 12; not on Debian 11 and 13 and Raspberry Pi OS. ROOT is for a trial in
# another folder.
set -eu
root="${ROOT:-}"
# PACKAGE, SHA256, CAMERAS, CREDENTIALS, APN
# shellcheck source=/dev/null
. "$root/etc/weir/first-boot.conf"
say() { echo "weir first boot: $*"; }
fail() {
  echo "weir first boot: $*" >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
# The configuration that is there already is the right one. Another apt may be at work at this time: wait for it.
apt() {
  apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=600 \
    "$@"
}
# With what the image has, if that is enough: a board on a bench may have no network.
package() {
  apt install --no-install-recommends "$1" >/dev/null 2>&1 && return
  apt-get -o DPkg::Lock::Timeout=600 update || say 'the lists of packages could not be renewed'
  apt install --no-install-recommends "$1"
}
on_boot() {
  for folder in "$root/boot/firmware" "$root/boot/efi" "$root/boot"; do
    for file in "$folder"/$1; do
      if [ -f "$file" ]; then echo "$file"; fi
    done
  done | sort -V | tail -n 1
}

if [ "$(dpkg-query -W -f '${Status}' weir 2>/dev/null || :)" != 'install ok installed' ]; then
  architecture=$(dpkg --print-architecture)
  case $PACKAGE in
  boot)
    file=$(on_boot "weir_*_$architecture.deb")
    [ -n "$file" ] ||
      fail "there is no weir_…_$architecture.deb on the boot partition: copy it there; this is tried again every minute"
    ;;
  apt)
    apt-get -o DPkg::Lock::Timeout=600 update || say 'the lists of packages could not be renewed'
    file=weir
    ;;
  *)
    url=$(printf %s "$PACKAGE" | sed "s/{arch}/$architecture/g")
    mkdir -p "$root/var/cache/weir"
    file="$root/var/cache/weir/weir_$architecture.deb"
    rm -f "$file"
    "$root/usr/lib/apt/apt-helper" -o Acquire::Retries=3 download-file "$url" "$file" >/dev/null ||
      fail "$url cannot be fetched: is there a network? This is tried again every minute"
    if [ -n "$SHA256" ]; then
      found=$(sha256sum "$file" | cut -c1-64)
      case " $SHA256 " in
      *" $found "*) ;;
      *)
        rm -f "$file"
        fail "$url has the SHA-256 $found, which is not one of those expected ($SHA256): it is not installed"
        ;;
      esac
    fi
    ;;
  esac
  package "$file" || fail "$file cannot be installed: see above"
  say "installed $file"
fi

for folder in $CAMERAS; do
  mkdir -p "$root$folder"
  if [ -z "$root" ]; then chown root:weir "$folder"; fi
  chmod 2775 "$root$folder"
done

case $CREDENTIALS in
keys)
  # Moved, not copied: a card that is read elsewhere gives nothing away that way. What was deleted there can still be
  # found by whoever looks for it.
  file=$(on_boot weir.keys)
  if [ -n "$file" ]; then
    (umask 077 && cp "$file" "$root/etc/weir/keys.part")
    mv "$root/etc/weir/keys.part" "$root/etc/weir/keys"
    sync
    rm "$file"
    say "moved $file to /etc/weir/keys"
  fi
  [ -s "$root/etc/weir/keys" ] ||
    fail 'there is no /etc/weir/keys: put it there, or on the boot partition as weir.keys; this is tried again every minute'
  # Root's own: the unit hands them over.
  chmod 0600 "$root/etc/weir/keys"
  ;;
roles-anywhere | iot)
  command -v openssl >/dev/null || package openssl || fail 'openssl cannot be installed'
  sh "$root/usr/local/lib/weir/make-identity" || fail 'the identity of this board is not in order: see above'
  ;;
esac
# The program that turns the certificate into keys, where the package has none.
case $CREDENTIALS in
roles-anywhere) program=usr/bin/aws_signing_helper ;;
iot) program=usr/lib/weir/weir-iot-credentials ;;
*) program='' ;;
esac
if [ -n "$program" ] && [ ! -x "$root/$program" ]; then
  file=$(on_boot "${program##*/}")
  if [ -n "$file" ]; then
    mkdir -p "$root/${program%/*}"
    cp "$file" "$root/$program.part"
    chmod 0755 "$root/$program.part"
    mv "$root/$program.part" "$root/$program"
  else
    say "nothing goes up before /$program is there: put it there, or on the boot partition and start the board again"
  fi
fi
if [ "$CREDENTIALS" = iot ] && ! command -v curl >/dev/null; then
  package curl || fail 'curl cannot be installed'
fi

weir --config "$root/etc/weir/weir.toml" config check || fail 'the configuration is wrong: see above'
systemctl daemon-reload
systemctl enable weir.service
systemctl restart weir.service
# cloud-init has done its work. At every later start it would have weir wait for a network, two minutes without one.
if [ -d "$root/etc/cloud" ]; then : >"$root/etc/cloud/cloud-init.disabled"; fi
# After weir: what is missing for LTE may have to come over another network, and images are taken meanwhile.
if [ -n "$APN" ]; then
  if ! command -v nmcli >/dev/null || ! command -v mmcli >/dev/null; then
    for one in network-manager modemmanager; do
      package "$one" || fail "$one, which LTE needs, cannot be installed"
    done
  fi
  nmcli connection reload || say 'NetworkManager does not run: LTE comes up at the next boot'
fi

case $CREDENTIALS in
roles-anywhere | iot)
  if [ ! -s "$root/etc/weir/identity/device.crt" ] || [ ! -x "$root/$program" ]; then
    say 'weir runs, and keeps what it takes; this is done again at the next boot, when what is missing may be there'
    exit 0
  fi
  ;;
esac
systemctl disable weir-first-boot.service
say 'done: weir runs'
