#!/bin/sh
# The story of an API's owner, through the real AWS CLI and curl. Needs ENDPOINT, the control plane's address, DATA, that of
# the gateway, and credentials in the environment. Prints one line a step; the test that runs it (cli-story.test.ts) knows
# what they are. Nothing in it depends on how fast it is.
set -eu

api() { aws apigateway --endpoint-url "$ENDPOINT" --region us-east-1 --output text "$@"; }
call() { curl -s -H "x-api-key: $1" -w ' %{http_code}' "$DATA/dev/pets"; }
acme=acme-key-0123456789abcdef
imported=imported-key-0123456789
start=$(date -u +%F)

# An API with a method that needs a key, served.
api_id=$(api create-rest-api --name petstore --query id)
root=$(api get-resources --rest-api-id "$api_id" --query 'items[0].id')
pets=$(api create-resource --rest-api-id "$api_id" --parent-id "$root" --path-part pets --query id)
echo "method: $(api put-method --rest-api-id "$api_id" --resource-id "$pets" --http-method GET --authorization-type NONE --api-key-required --query '[httpMethod,apiKeyRequired]')"
echo "before it is deployed: $(call none)"
api create-deployment --rest-api-id "$api_id" --stage-name dev --query id >/dev/null
echo "stages: $(api get-stages --rest-api-id "$api_id" --query 'item[].stageName')"
echo "without a key: $(call none)"

# A plan that a slow machine cannot outwait: a token in 100 s, a quota of a month.
plan=$(api create-usage-plan --name gold --throttle burstLimit=2,rateLimit=0.01 --quota limit=4,period=MONTH --query id)
echo "plan: $(api get-usage-plan --usage-plan-id "$plan" --query '[name,throttle.burstLimit,throttle.rateLimit,quota.limit,quota.period]')"

# Keys: one made, some imported, both ways.
key=$(api create-api-key --name acme --value "$acme" --enabled --query id)
echo "without a plan: $(call "$acme")"
api create-usage-plan-key --usage-plan-id "$plan" --key-id "$key" --key-type API_KEY >/dev/null
file=$(mktemp)
trap 'rm -f "$file"' EXIT
printf 'Name,key,Enabled,usageplanIds\nimported,%s,TRUE,%s\nbad,short,TRUE,\n' "$imported" "$plan" >"$file"
if api import-api-keys --format csv --fail-on-warnings --body "fileb://$file" 2>/dev/null; then echo "imported?"; fi
echo "keys after a failed import: $(api get-api-keys --query 'length(items)')"
echo "warnings: $(api import-api-keys --format csv --body "fileb://$file" --query 'length(warnings)')"
echo "keys, newest first: $(api get-usage-plan-keys --usage-plan-id "$plan" --query 'items[].name')"

# The stage into the plan: served, until throttled.
echo "without the stage: $(call "$acme")"
echo "stage: $(api update-usage-plan --usage-plan-id "$plan" --patch-operations "op=add,path=/apiStages,value=$api_id:dev" --query 'apiStages[].stage')"
echo "1: $(call "$acme")"
echo "2: $(call "$acme")"
echo "3: $(call "$acme")"
echo "another key: $(call "$imported")"

# Without the throttle: served, until the quota ends, and after it was extended.
echo "throttle: $(api update-usage-plan --usage-plan-id "$plan" --patch-operations op=remove,path=/throttle --query throttle)"
echo "4: $(call "$acme")"
echo "5: $(call "$acme")"
echo "6: $(call "$acme")"
echo "remaining: $(api update-usage --usage-plan-id "$plan" --key-id "$key" --patch-operations op=replace,path=/remaining,value=1 --query "items.\"$key\"[-1][1]")"
echo "7: $(call "$acme")"
echo "8: $(call "$acme")"
# Used on all these days, and remaining at the end of the last.
echo "usage: $(api get-usage --usage-plan-id "$plan" --start-date "$start" --end-date "$(date -u +%F)" --query "[sum(items.\"$key\"[*][0]), items.\"$key\"[-1][1]]")"

echo "enabled: $(api update-api-key --api-key "$key" --patch-operations op=replace,path=/enabled,value=false --query enabled)"
echo "disabled: $(call "$acme")"

# What cannot be, and the end.
api get-usage-plan --usage-plan-id nope 2>&1 | tail -1 || true
api delete-usage-plan --usage-plan-id "$plan" 2>&1 | sed "s/$plan/PLAN/;s/$api_id/API/" | tail -1
api update-usage-plan --usage-plan-id "$plan" --patch-operations "op=remove,path=/apiStages,value=$api_id:dev" >/dev/null
api delete-usage-plan --usage-plan-id "$plan"
api delete-api-key --api-key "$key"
api delete-rest-api --rest-api-id "$api_id"
echo "left: $(api get-rest-apis --query 'length(items)') $(api get-usage-plans --query 'length(items)') $(api get-api-keys --query 'items[].name')"
