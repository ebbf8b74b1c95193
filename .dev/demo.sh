# shellcheck shell=bash
# The bot with Web Chat, or with the Agents Playground beside it. A part of `dev`.

# start_playground LOG PORT CLIENT-PORT: for the bot at PORT.
start_playground() {
  # It would look for a browser to open, call out in spite of --disable-telemetry, and log into this folder. The log
  # is a file of its own: it removes what is there first, even /dev/null.
  start "The Agents Playground" "$1" env TEAMSAPPTESTER_BROWSER=none APPLICATION_INSIGHTS_NO_STATSBEAT=1 \
    M365_AGENTS_PLAYGROUND_LOGFILE="$1.full" "$node" -r "$clients/loopback.cjs" \
    "$clients/node_modules/@microsoft/m365agentsplayground/cli.js" start \
    -e "http://127.0.0.1:$2/api/messages" -c emulator -p "$3" --disable-telemetry
}

cmd_demo() {
  local client=web-chat port=3978 client_port=56150 bot options=() ended="" status=0
  while (($#)); do
    case $1 in
      --no-client) client="" ;;
      --playground) client=playground ;;
      --port | --client-port)
        is_port "${2:-}" || die "$1 wants a port from 1 to 65535"
        if [[ $1 == --port ]]; then port=$2; else client_port=$2; fi
        shift
        ;;
      *) die "demo does not know $1; it knows --playground, --no-client, --port N and --client-port N" ;;
    esac
    shift
  done
  need_build
  build release proactive_bot
  case $client in
    web-chat)
      bring_web_chat
      options=(--set direct_line.enabled=true)
      ;;
    playground) need_clients ;;
  esac

  mkdir -p build/demo
  local bot_log client_log
  stopping=0
  trap 'stopping=1' INT TERM HUP
  trap stop_all EXIT
  port=$(free_port "the bot" "$port")
  bot_log=$root/build/demo/bot-$port.log client_log=$root/build/demo/playground-$port.log
  # State outlives the demo, in a build that can; a demo on another port has a folder of its own.
  if has_backend ROCKSDB; then
    local folder=$root/tern-data
    if ((port != 3978)); then
      folder=$root/build/demo/tern-data-$port
      printf 'The state of port %s is kept in %s.\n' "$port" "$folder" >&2
    fi
    options+=(--set storage.kind=rocksdb --set "storage.path=$folder")
  fi
  start "The bot" "$bot_log" "$release/examples/proactive_bot" --set "listen.port=$port" "${options[@]}"
  bot=$started
  wait_for "$bot" "$bot_log" "$port" /healthz
  if [[ $client == playground ]] && ((!stopping)); then
    client_port=$(free_port "the Playground" "$client_port")
    start_playground "$client_log" "$port" "$client_port"
    wait_for "$started" "$client_log" "$client_port" /
  fi
  if ((stopping == 0)); then
    case $client in
      web-chat) printf '\nOpen http://127.0.0.1:%s/chat and say hello. Ctrl-C ends the bot.\n' "$port" ;;
      playground) printf '\nOpen http://127.0.0.1:%s and say hello. Ctrl-C ends the bot and the client.\n' "$client_port" ;;
      *) printf '\nThe bot answers at http://127.0.0.1:%s/api/messages. Ctrl-C ends it.\n' "$port" ;;
    esac
    printf 'Logs: %s\n' "${root}/build/demo/"
    wait -n -p ended "${!running[@]}" || status=$?
  fi
  if ((stopping)); then
    status=0
    kill -TERM "$bot" 2>/dev/null || true
    wait "$bot" || status=$?
    ((status == 0)) || die "The bot ended with status $status; see $bot_log"
    exit 0
  fi
  tail -n 20 "$([[ $ended == "$bot" ]] && echo "$bot_log" || echo "$client_log")" >&2
  die "${running[$ended]} ended by itself (status $status); its last lines are above."
}

cmd_screenshot() {
  need_build chromium fonts-dejavu-core
  need_clients
  bring_web_chat
  build release proactive_bot
  (cd "$clients" && "$node" screenshot.mjs "$root/docs/demo.png" && "$node" web_chat_screenshots.mjs "$root/docs/web-chat")
}
