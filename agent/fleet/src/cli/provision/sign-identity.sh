#!/bin/sh
# Signs what a device asks for, at the place where the authority's key is kept. The device itself never sees that key.
#
#   sh sign-identity.sh DEVICE.csr ca.crt ca.key [DAYS]     makes DEVICE.crt beside it, good for 825 days
#
# An authority is made once, its key kept off every network:
#   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -sha256 -days 3650 -subj '/CN=weir devices' \
#     -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt
# and ca.crt is given to AWS as the trust anchor. Needs openssl.
set -eu
fail() {
  echo "sign-identity: $*" >&2
  exit 2
}
if [ $# -lt 3 ] || [ $# -gt 4 ]; then
  fail 'usage: sh sign-identity.sh DEVICE.csr ca.crt ca.key [DAYS]'
fi
request=$1
days=${4:-825}
for one in "$1" "$2" "$3"; do
  [ -s "$one" ] || fail "$one is not there"
done
device=$(basename "$request" .csr)
case $device in
*[!a-z0-9-]* | '') fail "$request is not named after a device: DEVICE.csr" ;;
esac
openssl req -in "$request" -noout -verify >/dev/null 2>&1 || fail "$request is not a request, or was changed"
subject=$(openssl req -in "$request" -noout -subject -nameopt multiline,-esc_msb | sed -n 's/^ *commonName *= //p')
[ "$subject" = "$device" ] || fail "$request asks for the name $subject, not $device: it is another device's"
certificate="$(dirname "$request")/$device.crt"
extensions=$(mktemp)
trap 'rm -f "$extensions" "$certificate.part"' EXIT
cat >"$extensions" <<'END'
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
openssl x509 -req -in "$request" -CA "$2" -CAkey "$3" -set_serial "0x$(openssl rand -hex 16)" -sha256 -days "$days" \
  -extfile "$extensions" -out "$certificate.part" 2>/dev/null || fail "$2 and $3 cannot sign: are they of one authority?"
mv "$certificate.part" "$certificate"
echo "$certificate: $device, until $(openssl x509 -in "$certificate" -noout -enddate | cut -d= -f2)"
