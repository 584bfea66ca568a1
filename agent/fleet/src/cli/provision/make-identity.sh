#!/bin/sh
# The identity of the device @DEVICE@: a private key, made here and never copied away, and a request for a certificate.
# Runs on the device as root, by itself at the first boot, and again whenever you like: it keeps the key that is there.
#
#   1. It makes /etc/weir/identity/device.key and device.csr, and puts @DEVICE@.csr on the boot partition.
#   2. Whoever holds the authority's key signs that: sh sign-identity.sh @DEVICE@.csr ca.crt ca.key
#   3. Put @DEVICE@.crt on the boot partition, or beside the key as device.crt, and run this again.
#
# Needs openssl. Tried on Debian 12; not on Debian 11 and 13 and Raspberry Pi OS. ROOT is for a trial in another folder.
set -eu
umask 077
device='@DEVICE@'
root="${ROOT:-}"
folder="$root/etc/weir/identity"
say() { echo "weir identity: $*"; }
fail() {
  echo "weir identity: $*" >&2
  exit 1
}
command -v openssl >/dev/null || fail 'there is no openssl: apt-get install openssl'
boot=''
for one in "$root/boot/firmware" "$root/boot/efi" "$root/boot"; do
  if [ -z "$boot" ] && [ -d "$one" ]; then boot=$one; fi
done

mkdir -p "$folder"
if [ ! -s "$folder/device.key" ]; then
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$folder/device.key.part" 2>/dev/null ||
    fail "no key could be made in $folder: is the disk full?"
  mv "$folder/device.key.part" "$folder/device.key"
  say 'made a key'
fi
if [ ! -s "$folder/device.csr" ]; then
  openssl req -new -key "$folder/device.key" -subj "/CN=$device" -out "$folder/device.csr.part" 2>/dev/null ||
    fail "the key in $folder/device.key cannot be used: move it away and run this again"
  mv "$folder/device.csr.part" "$folder/device.csr"
fi
if [ -n "$boot" ] && ! cmp -s "$folder/device.csr" "$boot/$device.csr"; then
  cp "$folder/device.csr" "$boot/$device.csr" || say "cannot write $boot/$device.csr: take $folder/device.csr"
fi

# A certificate counts when it is of this key and of this name.
public() { openssl pkey -in "$folder/device.key" -pubout; }
fits() {
  [ -s "$1" ] &&
    [ "$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null)" = "$(public)" ] &&
    openssl x509 -in "$1" -noout -subject -nameopt multiline,-esc_msb 2>/dev/null |
    grep -Eq "^ *commonName *= $device\$"
}
offered="$boot/$device.crt"
if [ -n "$boot" ] && [ -s "$offered" ]; then
  fits "$offered" || fail "$offered is not a certificate of $device for the key on this device: sign $device.csr again"
  if ! cmp -s "$offered" "$folder/device.crt"; then
    cp "$offered" "$folder/device.crt.part"
    mv "$folder/device.crt.part" "$folder/device.crt"
    say 'took the certificate'
  fi
fi
chmod 0400 "$folder/device.key"
for one in device.csr device.crt; do
  if [ -e "$folder/$one" ]; then chmod 0444 "$folder/$one"; fi
done
chmod 0700 "$folder"
# The agent asks for keys as its own user.
if [ -z "$root" ]; then
  chown -R weir:weir "$folder" || fail 'there is no user weir: install the package first'
fi
sync
if fits "$folder/device.crt"; then
  say "$device has its certificate, good until $(openssl x509 -in "$folder/device.crt" -noout -enddate | cut -d= -f2)"
else
  say "$device waits for its certificate: have ${boot:-$folder}/$device.csr signed"
fi
