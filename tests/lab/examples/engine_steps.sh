#!/bin/bash
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# What a node-0 deployment asks of the engine, from login to current OVF stores: by curl here, by the SDK in
# engine_steps.py. Any engine will do: one in a lab, the standalone simulator, a real one.
#
#   ENGINE_URL            https://engine.example.test/ovirt-engine
#   ENGINE_CA_FILE        certificate of the engine's authority (PEM)
#   ENGINE_USER           admin@internal, or admin@ovirt@internalsso where Keycloak is enabled
#   ENGINE_PASSWORD_FILE  file with that user's password, without a newline
#   HOST_NAME, HOST_ADDRESS   the host to add; root's authorized_keys there must have the engine's key (printed by: engine_steps.sh key)
#   STORAGE               ADDRESS:PATH of an empty NFS export that the host can mount
#   DATA_CENTER, CLUSTER  made if they are not there; default: node0
#   ENGINE_SQL            optional: a command whose last argument is SQL for the engine's database
#
# Progress goes to standard error; the last line on standard output is JSON with the ids of what was made.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${ENGINE_URL:?}" "${ENGINE_CA_FILE:?}"
export DATA_CENTER=${DATA_CENTER:-node0} CLUSTER=${CLUSTER:-node0}
api=$ENGINE_URL/api
private=$(mktemp -d)
export ENGINE_TOKEN_FILE=$private/token

say() { echo "$*" >&2; }

# field NAME...: the value at a path of names in the JSON on standard input, empty if there is none
field() {
    python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[int(name)] if isinstance(value, list) and int(name) < len(value) else value.get(name, {}) if isinstance(value, dict) else {}
print("" if value in ({}, []) else value)' "$@"
}

# call METHOD PATH [XML]: the answer in JSON; what the engine says when it refuses goes to standard error
call() {
    local body=() status
    if [ $# -gt 2 ]; then
        printf '%s' "$3" >"$private/request"
        body=(--header 'Content-Type: application/xml' --data-binary "@$private/request")
    fi
    status=$(curl --silent --show-error --cacert "$ENGINE_CA_FILE" --header "@$private/header" --header 'Accept: application/json' \
        --request "$1" "${body[@]}" --output "$private/answer" --write-out '%{http_code}' "$api$2")
    if [ "$status" -ge 300 ]; then
        say "$1 $2: $status $(cat "$private/answer")"
        return 1
    fi
    cat "$private/answer"
}

# found PATH NAME KIND: id of the object of that name, empty if there is none
found() {
    curl --silent --show-error --fail --cacert "$ENGINE_CA_FILE" --header "@$private/header" --header 'Accept: application/json' \
        --get --data-urlencode "search=name=$2" "$api$1" | field "$3" 0 id
}

login() {
    local answer
    answer=$(curl --silent --show-error --fail-with-body --cacert "$ENGINE_CA_FILE" --header 'Accept: application/json' \
        --data grant_type=password --data scope=ovirt-app-api --data-urlencode "username=$ENGINE_USER" \
        --data-urlencode "password@$ENGINE_PASSWORD_FILE" "$ENGINE_URL/sso/oauth/token") || {
        say "login refused: $answer"
        return 1
    }
    umask 077
    printf %s "$(field access_token <<<"$answer")" >"$ENGINE_TOKEN_FILE"
    echo "Authorization: Bearer $(cat "$ENGINE_TOKEN_FILE")" >"$private/header"
}

# shellcheck disable=SC2317  # called by the trap
leave() {
    if [ -s "$ENGINE_TOKEN_FILE" ]; then
        curl --silent --output /dev/null --cacert "$ENGINE_CA_FILE" --data scope=ovirt-app-api --data-urlencode "token@$ENGINE_TOKEN_FILE" \
            "$ENGINE_URL/services/sso-logout" || say "the token could not be revoked"
    fi
    rm -rf "$private"
}

data_center_and_cluster() {
    local data_center cluster
    data_center=$(found /datacenters "$DATA_CENTER" data_center)
    if [ -z "$data_center" ]; then
        data_center=$(call POST /datacenters "<data_center><name>$DATA_CENTER</name><local>false</local></data_center>" | field id)
        say "data centre $DATA_CENTER: $data_center"
    fi
    cluster=$(found /clusters "$CLUSTER" cluster)
    if [ -z "$cluster" ]; then
        cluster=$(call POST /clusters "<cluster><name>$CLUSTER</name><cpu><architecture>x86_64</architecture></cpu>
            <data_center id=\"$data_center\"/></cluster>" | field id)
        say "cluster $CLUSTER: $cluster"
    fi
}

# events SINCE: tell those that came after the event of that number; print the number of the last
events() {
    call GET "/events?from=$1" | python3 -c '
import json, sys
last = sys.argv[1]
for event in sorted(json.load(sys.stdin).get("event", []), key=lambda event: int(event["index"])):
    last = event["index"]
    print(f"""  event {event["code"]}: {event["description"]}""", file=sys.stderr)
print(last)' "$1"
}

add_host() {
    local host last status end
    last=$(call GET '/events?max=1' | field event 0 index)
    host=$(found /hosts "$HOST_NAME" host)
    if [ -z "$host" ]; then
        host=$(call POST '/hosts?activate=true&reboot=false' "<host><name>$HOST_NAME</name><address>$HOST_ADDRESS</address>
            <cluster><name>$CLUSTER</name></cluster>
            <ssh><authentication_method>publickey</authentication_method></ssh></host>" | field id)
        say "host $HOST_NAME: $host"
    fi
    end=$((SECONDS + ${HOST_SECONDS:-900}))
    while :; do
        # The management bridge is made under this connection: an answer may be missing for a while.
        last=$(events "${last:-0}" || echo "${last:-0}")
        status=$(call GET "/hosts/$host" | field status || echo "no answer")
        case "$status" in
            up) break ;;
            install_failed | non_operational | error)
                say "host $HOST_NAME is $status: $(call GET "/hosts/$host" | field status_detail)"
                return 1
                ;;
        esac
        if [ "$SECONDS" -ge "$end" ]; then
            say "host $HOST_NAME did not come up in time, it is $status"
            return 1
        fi
        sleep "${POLL_SECONDS:-2}"
    done
    events "$last" >/dev/null
    say "host $HOST_NAME is up"
    HOST_ID=$host
}

if [ "${1:-}" = key ]; then
    curl --silent --show-error --fail --cacert "$ENGINE_CA_FILE" \
        "$ENGINE_URL/services/pki-resource?resource=engine-certificate&format=OPENSSH-PUBKEY"
    exit
fi
: "${ENGINE_USER:?}" "${ENGINE_PASSWORD_FILE:?}" "${HOST_NAME:?}" "${HOST_ADDRESS:?}" "${STORAGE:?}"
trap leave EXIT
say "$(curl --silent --show-error --fail --cacert "$ENGINE_CA_FILE" "$ENGINE_URL/services/health")"
login
say "engine $(call GET '' | field product_info version full_version)"
data_center_and_cluster
add_host
export HOST_ID
"${PYTHON:-python3}" "$here/engine_steps.py"
