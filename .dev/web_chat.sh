# shellcheck shell=bash
# Web Chat, which a bot serves at /chat. A part of `dev`.

# bring_web_chat: the bundle of the npm package whose version the lock file pins, and the same by gzip, in build/web-chat.
# A bot reads them at its start.
bring_web_chat() {
  local lock=$root/src/direct_line/page/package-lock.json folder=$root/build/web-chat work package
  ! cmp -s "$lock" "$folder/.installed" || return 0
  command -v npm >/dev/null || need nodejs npm
  say "Installing with npm: Web Chat"
  work=$(mktemp -d)
  cp "$lock" "${lock%-lock.json}.json" "$work"
  (cd "$work" && quietly npm ci --ignore-scripts --no-audit --no-fund --no-progress)
  package=$work/node_modules/botframework-webchat
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$package/dist/webchat.js" "$package/dist/webchat.js.LICENSE.txt" "$folder"
  gzip -9n <"$folder/webchat.js" >"$folder/webchat.js.gz"
  cp "$lock" "$folder/.installed"
  rm -rf "$work"
}

# A bot is built and runs without Web Chat: its page says then what is missing.
try_web_chat() { (bring_web_chat) || say "Web Chat is not there, so /chat will say so; ./dev web-chat tries again"; }

cmd_web-chat() {
  bring_web_chat
  echo "Web Chat is in $root/build/web-chat."
}
