#!/bin/sh
# Makes the roles of the devices for IAM Roles Anywhere, each with its rights, with the AWS command line and the keys of
# the environment. A role that is there gets its rights anew. Afterwards name the roles in the profile.
@ROLE@
device() {
  role "$1" "$2" "$3"
  echo "$1  $4"
}
@DEVICES@
