# One execution of a plain chaos job: no library, only lines whose bytes the audit knows. It tells the same ledger as job.py.
#     job.sh MARKER LINES SECONDS EXIT_CODE
attempt=${JD_ATTEMPT_DIR##*/}
tell() { printf '{"fact":"%s","attempt":"%s"%s}\n' "$1" "$attempt" "$2" >>"$CHAOS_LEDGER/facts"; }
# A full disk tears a line; the shell cannot tell where, so the audit only checks what such a log begins with.
put() { printf '%s %s line %s\n' "$attempt" "$1" "$2" || tell torn ''; }

tell start ",\"marker\":\"$1\",\"pid\":$$,\"worker\":\"$JD_WORKER_ID\",\"lines\":$2"
line=0
while [ "$line" -lt "$2" ]; do
  put "$1" "$line"
  [ "$line" -ne 0 ] || put "$1" error >&2
  line=$((line + 1))
done
sleep "$3"
tell end ",\"exit_code\":$4"
exit "$4"
