set -eu
cd "$(dirname "$0")"
# A role with its rights: device, name, path.
role() {
  if aws iam get-role --role-name "$2" >/dev/null 2>&1; then
    aws iam update-assume-role-policy --role-name "$2" --policy-document "file://$1/trust-policy.json" >/dev/null
  else
    aws iam create-role --role-name "$2" --path "$3" --assume-role-policy-document "file://$1/trust-policy.json" >/dev/null
  fi
  aws iam put-role-policy --role-name "$2" --policy-name weir --policy-document "file://$1/policy.json" >/dev/null
}
