#!/usr/bin/env bash
# Trains on several workers, all of them on this machine: to try what runs on several.
#
#   examples/multi_worker.sh 2 glow --dataset=digits --workdir=runs/workers --smoke
#
# The number of workers, the trainer, and its flags. $PYTHON is the interpreter, $PORT the first of
# as many ports. The first worker's output is shown; what others say is their errors. SIGTERM and
# Ctrl-C have all of them save and stop; the same command then goes on.
set -euo pipefail

if [ $# -lt 2 ] || ! [ "$1" -ge 1 ] 2>/dev/null; then
  echo "Expected: $0 WORKERS TRAINER [FLAG...], WORKERS at least 1. Received: $0 $*" >&2
  exit 2
fi
workers=$1 trainer=$2
shift 2
port=${PORT:-12320}

hosts=
for ((i = 0; i < workers; i++)); do
  hosts+="${hosts:+, }\"127.0.0.1:$((port + i))\""
done

pids=()
trap 'kill -TERM "${pids[@]}" 2>/dev/null || true' INT TERM
for ((i = 0; i < workers; i++)); do
  TF_CONFIG="{\"cluster\": {\"worker\": [$hosts]}, \"task\": {\"type\": \"worker\", \"index\": $i}}" \
    "${PYTHON:-python3}" -m "trainers.$trainer" --strategy=multi_worker "$@" &
  pids+=($!)
done

# A worker that fails ends the others, within a minute; the first failure's status is this one's.
status=0
for pid in "${pids[@]}"; do
  while kill -0 "$pid" 2>/dev/null; do
    wait "$pid" && ended=0 || ended=$?
  done
  wait "$pid" && ended=0 || ended=$?
  [ "$status" -ne 0 ] || status=$ended
done
exit "$status"
