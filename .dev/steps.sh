# shellcheck shell=bash
# A row of checks, all of which are run even when one has failed. A part of `dev` and of .ci/run.

step_names=()
step_states=()
step_seconds=()
step_logs=()
steps_failed=0
steps_end=${steps_end:-}  # all of them together end by then, in seconds after the start; "" for never

# step SECONDS NAME COMMAND...: ends what takes longer than SECONDS.
step() {
  local limit=$1 name=$2 start=$SECONDS status=0 log to_tee tee
  shift 2
  if [[ -n $steps_end ]] && ((steps_end - SECONDS < limit)); then
    limit=$((steps_end - SECONDS > 1 ? steps_end - SECONDS : 1))
  fi
  log=$(mktemp)
  printf '\n######## %s\n' "$name"
  exec {to_tee}> >(exec tee "$log")
  tee=$!
  timeout --kill-after=30 "$limit" "$@" </dev/null >&"$to_tee" 2>&1 {to_tee}>&- || status=$?
  exec {to_tee}>&-
  # Until tee has written it all, but not for ever: what a killed command has left behind may hold its output open.
  timeout 5 tail --pid="$tee" -s 0.1 -f /dev/null || true
  if ((status == 124 || status == 137)); then echo "$name was ended after $limit s" | tee -a "$log"; fi
  step_names+=("$name")
  step_seconds+=($((SECONDS - start)))
  if ((status == 0)); then
    step_states+=(passed)
    step_logs+=('')
    rm -f "$log"
  else
    step_states+=(FAILED)
    step_logs+=("$log")
    steps_failed=1
  fi
  printf '######## %s: %s, %d s\n' "$name" "${step_states[-1]}" "${step_seconds[-1]}"
}

# why_failed LOG: the beginnings of the first complaints, and the end.
why_failed() {
  awk '/WARNING: ThreadSanitizer|ERROR: [A-Za-z]*Sanitizer|runtime error:|: Failure$|: error: |: fatal error: |Timeout/ && told < 6 {
         told++; left = 25
         print "--- line " NR
       }
       left > 0 { print substr($0, 1, 300); left-- }' "$1"
  echo "--- the end"
  tail -n 25 "$1" | cut -c 1-300
}

# Says once more why steps failed, where the end of the output is all that is kept, and prints a table of all steps; fails
# when one did.
end_steps() {
  local i
  for i in "${!step_names[@]}"; do
    [[ -n ${step_logs[i]} ]] || continue
    printf '\n######## why this failed: %s\n' "${step_names[i]}"
    why_failed "${step_logs[i]}"
    rm -f "${step_logs[i]}"
  done
  printf '\n%-40s %8s  %s\n' step seconds result
  for i in "${!step_names[@]}"; do
    printf '%-40s %8d  %s\n' "${step_names[i]}" "${step_seconds[i]}" "${step_states[i]}"
  done
  printf '%-40s %8d\n' together "$SECONDS"
  return "$steps_failed"
}
