#!/bin/sh
# The story of an API's owner, through the real AWS CLI. Needs ENDPOINT, the control plane's address, and credentials in
# the environment. Prints one line a step; the test that runs it (cli-story.test.ts) knows what they are.
set -eu

api() { aws apigateway --endpoint-url "$ENDPOINT" --region us-east-1 --output text "$@"; }

api_id=$(api create-rest-api --name petstore --query id)
root=$(api get-resources --rest-api-id "$api_id" --query 'items[0].id')
pets=$(api create-resource --rest-api-id "$api_id" --parent-id "$root" --path-part pets --query id)
echo "method: $(api put-method --rest-api-id "$api_id" --resource-id "$pets" --http-method GET --authorization-type NONE --api-key-required --query '[httpMethod,apiKeyRequired]')"
api create-deployment --rest-api-id "$api_id" --stage-name dev --query id >/dev/null
echo "stages: $(api get-stages --rest-api-id "$api_id" --query 'item[].stageName')"

plan=$(api create-usage-plan --name gold --throttle burstLimit=2,rateLimit=1 --quota limit=4,period=DAY \
  --api-stages "apiId=$api_id,stage=dev" --query id)
echo "plan: $(api get-usage-plan --usage-plan-id "$plan" --query '[name,throttle.burstLimit,quota.limit,quota.period]')"

key=$(api create-api-key --name acme --value acme-key-0123456789abcdef --enabled --query id)
api create-usage-plan-key --usage-plan-id "$plan" --key-id "$key" --key-type API_KEY >/dev/null
file=$(mktemp)
trap 'rm -f "$file"' EXIT
printf 'Name,key,Enabled,usageplanIds\nimported,imported-key-0123456789,TRUE,%s\nbad,short,TRUE,\n' "$plan" >"$file"
if api import-api-keys --format csv --fail-on-warnings --body "fileb://$file" 2>/dev/null; then echo "imported?"; fi
echo "keys after a failed import: $(api get-api-keys --query 'length(items)')"
echo "warnings: $(api import-api-keys --format csv --body "fileb://$file" --query 'length(warnings)')"
echo "keys, newest first: $(api get-usage-plan-keys --usage-plan-id "$plan" --query 'items[].name')"

echo "throttle: $(api update-usage-plan --usage-plan-id "$plan" --patch-operations "op=replace,path=/apiStages/$api_id:dev/throttle//pets/GET/rateLimit,value=5" "op=replace,path=/apiStages/$api_id:dev/throttle//pets/GET/burstLimit,value=5" --query 'apiStages[0].throttle."/pets/GET".burstLimit')"
echo "remaining: $(api update-usage --usage-plan-id "$plan" --key-id "$key" --patch-operations op=replace,path=/remaining,value=10 --query "items.\"$key\"")"
echo "usage: $(api get-usage --usage-plan-id "$plan" --start-date "$(date -u +%F)" --end-date "$(date -u +%F)" --query "items.\"$key\"")"
echo "enabled: $(api update-api-key --api-key "$key" --patch-operations op=replace,path=/enabled,value=false --query enabled)"
api get-usage-plan --usage-plan-id nope 2>&1 | tail -1 || true
api delete-usage-plan --usage-plan-id "$plan" 2>&1 | sed "s/$plan/PLAN/;s/$api_id/API/" | tail -1
api update-usage-plan --usage-plan-id "$plan" --patch-operations "op=remove,path=/apiStages,value=$api_id:dev" >/dev/null
api delete-usage-plan --usage-plan-id "$plan"
api delete-api-key --api-key "$key"
api delete-rest-api --rest-api-id "$api_id"
echo "left: $(api get-rest-apis --query 'length(items)') $(api get-usage-plans --query 'length(items)') $(api get-api-keys --query 'items[].name')"
