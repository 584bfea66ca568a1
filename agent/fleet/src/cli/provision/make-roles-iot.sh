#!/bin/sh
# Makes for each device its role with its rights, the role alias that leads to it, its thing, and the policy by which its
# certificate may use that alias and nothing else; with the AWS command line and the keys of the environment. What is
# there gets its rights anew. Where DEVICE.crt is there as well it is registered and tied to the device: an authority of
# your own must be registered in AWS IoT before that.
@ROLE@
iot() { aws --region @REGION@ iot "$@"; }
device() {
  role "$1" "$2" "$3"
  if iot describe-role-alias --role-alias "$5" >/dev/null 2>&1; then
    iot update-role-alias --role-alias "$5" --role-arn "$4" >/dev/null
  else
    iot create-role-alias --role-alias "$5" --role-arn "$4" >/dev/null
  fi
  iot describe-thing --thing-name "$1" >/dev/null 2>&1 || iot create-thing --thing-name "$1" >/dev/null
  iot get-policy --policy-name "weir-$1" >/dev/null 2>&1 ||
    iot create-policy --policy-name "weir-$1" --policy-document "file://$1/iot-policy.json" >/dev/null
  if [ ! -s "$1.crt" ]; then
    echo "$1  $4; no $1.crt here yet"
    return
  fi
  # AWS IoT names a certificate after the SHA-256 of its bytes.
  id=$(openssl x509 -in "$1.crt" -outform DER | sha256sum | cut -c1-64)
  iot describe-certificate --certificate-id "$id" >/dev/null 2>&1 ||
    iot register-certificate --certificate-pem "file://$1.crt" --set-as-active >/dev/null
  certificate=$(iot describe-certificate --certificate-id "$id" --query certificateDescription.certificateArn --output text)
  iot attach-policy --policy-name "weir-$1" --target "$certificate"
  iot attach-thing-principal --thing-name "$1" --principal "$certificate"
  echo "$1  $4; $certificate"
}
@DEVICES@
