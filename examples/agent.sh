#!/usr/bin/env bash
# A whole Drover agent with one slot, in bash with curl and jq: registers, takes jobs, runs them, ships their output, reports.
# Usage: DROVER_URL=http://127.0.0.1:5000 DROVER_API_KEY=jd_… examples/agent.sh EXPERIMENT
# It leaves when no job came for a while. docs/protocol.md tells what each call means.
# Command lines are seen by every user of a machine: keys and tokens go through pipes and the environment, never as arguments.
set -euo pipefail
experiment=${1:?name an experiment}
server=${DROVER_URL:-http://127.0.0.1:5000}
idle_rounds=${AGENT_IDLE_ROUNDS:-2} wait_seconds=${AGENT_WAIT_SECONDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
call() { # METHOD PATH TOKEN < body
  curl -sS --fail-with-body -X "$1" "$server/api/v1$2" -H @<(printf 'authorization: Bearer %s' "$3") -H 'content-type: application/json' --data-binary @-
}

memory=$(($(getconf _PHYS_PAGES) * $(getconf PAGE_SIZE)))
size=$(jq -n --argjson cpus "$(nproc)" --argjson memory "$memory" '{cpus: $cpus, memory_bytes: $memory, gpus: 0}')
registered=$(jq -n --arg host "$(hostname)" --arg experiment "$experiment" --argjson total "$size" \
  '{host: $host, instance: "bash", experiments: [$experiment], workers: 1, total: $total, version: "0.1.0"}' | call POST /agents "${DROVER_API_KEY:?}")
secret=$(jq -r .secret <<<"$registered")
echo "worker $(jq -r '.worker_ids[0]' <<<"$registered")" >&2

seq=0 running='[]' finished='[]'
sync() { # FREE_SLOTS WAIT_SECONDS → reply
  running=$running finished=$finished jq -n --arg incarnation "1-$$" --argjson seq "$seq" --arg now "$(now)" --argjson wait "$2" --argjson slots "$1" \
    --argjson free "$size" '{incarnation: $incarnation, sync_seq: $seq, sent_at: $now, wait_seconds: $wait, free_slots: $slots, free: $free,
      running: (env.running | fromjson), finished: (env.finished | fromjson)}' |
    call POST /agent/sync "$secret"
}

ship() { # LEASE STREAM: the whole output, in pieces that the server accepts
  local offset=0 length
  length=$(stat -c %s "$work/$2")
  while ((offset < length)); do
    tail -c "+$((offset + 1))" "$work/$2" | head -c 1000000 | base64 -w0 >"$work/piece"
    offset=$(jq --arg stream "$2" --argjson offset "$offset" --arg now "$(now)" --rawfile data "$work/piece" \
      '{sent_at: $now, chunks: [{job_id, attempt, rank, token} + {stream: $stream, offset: $offset, at: $now, data: $data}]}' <<<"$1" |
      call POST /agent/logs "$secret" | jq '.ends[0].end')
  done
}

run() { # LEASE
  local started outcome=succeeded code=0
  running=$(jq -c --arg now "$(now)" '[{job_id, attempt, rank, token, slot, started_at: $now}]' <<<"$1")
  seq=$((seq + 1)) && sync '[]' 0 >/dev/null
  started=$(now)
  JD_EXP_ID=$experiment JD_JOB_ID=$(jq .number <<<"$1") JD_SERVER=$server \
    JD_WORKER_TOKEN=$(jq -r '"jdt_\(.job_id).\(.attempt).\(.rank).\(.token)"' <<<"$1") \
    sh -c "$(jq -r .command <<<"$1")" >"$work/stdout" 2>"$work/stderr" </dev/null || { code=$? && outcome=failed; }
  ship "$1" stdout && ship "$1" stderr
  running='[]'
  finished=$(jq -c --arg started "$started" --arg now "$(now)" --arg outcome "$outcome" --argjson code "$code" \
    '[{job_id, attempt, rank, token, outcome: $outcome, exit_code: $code, started_at: $started, finished_at: $now}]' <<<"$1")
}

for ((idle = 0; idle < idle_rounds; )); do
  seq=$((seq + 1))
  reply=$(sync '[0]' "$wait_seconds") || { sleep 1 && continue; }
  finished='[]'
  lease=$(jq -c '.leases[0] // empty' <<<"$reply")
  if [[ -n $lease ]]; then run "$lease" && idle=0; else idle=$((idle + 1)); fi
done
jq -n --arg incarnation "1-$$" '{incarnation: $incarnation, reason: "no more jobs"}' | call POST /agent/leave "$secret" >/dev/null
