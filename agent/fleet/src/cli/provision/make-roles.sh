#!/bin/sh
# Makes the roles of the devices for IAM Roles Anywhere, each with its rights, with the AWS command line and the keys of
# the environment. A role that is there gets its rights anew. Afterwards name the roles in the profile.
set -eu
cd "$(dirname "$0")"
device() {
  if aws iam get-role --role-name "$2" >/dev/null 2>&1; then
    aws iam update-assume-role-policy --role-name "$2" --policy-document "file://$1/trust-policy.json" >/dev/null
  else
    aws iam create-role --role-name "$2" --path "$3" --assume-role-policy-document "file://$1/trust-policy.json" >/dev/null
  fi
  aws iam put-role-policy --role-name "$2" --policy-name weir --policy-document "file://$1/policy.json" >/dev/null
  echo "$1  $4"
}
@DEVICES@
