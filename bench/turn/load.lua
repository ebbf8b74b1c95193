-- The load that `turn` puts on a server, for wrk: messages whose ids never repeat, over many conversations and users.
-- The message itself, with @id@, @conversation@ and @user@ in it, comes from TURN_LOAD_MESSAGE, and the token that each
-- brings, if it brings one, from TURN_LOAD_TOKEN.

local prefix = os.getenv("TURN_LOAD_PREFIX")
local conversations = tonumber(os.getenv("TURN_LOAD_CONVERSATIONS"))
local personal = os.getenv("TURN_LOAD_PERSONAL") == "1"
local count = 0
local pieces = {}
local places = {}

function init()
  local rest = os.getenv("TURN_LOAD_MESSAGE")
  while true do
    local first, last, name = rest:find("@(%a+)@")
    if not first then
      break
    end
    pieces[#pieces + 1] = rest:sub(1, first - 1)
    pieces[#pieces + 1] = ""
    places[name] = #pieces
    rest = rest:sub(last + 1)
  end
  pieces[#pieces + 1] = rest
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Accept"] = "application/json, text/plain, */*"
  wrk.headers["Accept-Encoding"] = "gzip, compress, deflate, br"
  wrk.headers["User-Agent"] = "axios/1.12.2"
  local token = os.getenv("TURN_LOAD_TOKEN")
  if token and token ~= "" then
    wrk.headers["Authorization"] = "Bearer " .. token
  end
end

function request()
  local conversation = count % conversations
  -- Shifted in every round through the conversations, so that each user writes in many of them, and often in two at
  -- once; or one user for each conversation.
  local shift = personal and 0 or math.floor(count / conversations)
  local user = (conversation * 7 + shift) % conversations
  pieces[places.id] = prefix .. count
  pieces[places.conversation] = "conversation-" .. conversation
  pieces[places.user] = "user-" .. user
  count = count + 1
  return wrk.format(nil, nil, nil, table.concat(pieces))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("\nturn-load %d %d %d %d\n", summary.requests, summary.duration,
                         errors.connect + errors.read + errors.write + errors.timeout, errors.status))
end
