#include "turn/message.hpp"

namespace bench {

namespace {

void replace(std::string& text, std::string_view place, std::string_view value) {
  text.replace(text.find(place), place.size(), value);
}

}  // namespace

std::string message_template(Mode mode, std::string_view service_url) {
  std::string text =
      R"({"type":"message","text":"hello","id":"@id@","from":{"id":"@user@","name":"Alex Wilber",)"
      R"("aadObjectId":"00000000-0000-0000-0000-0000000000020"},"timestamp":"2026-11-22T19:44:10.645Z",)"
      R"("localTimestamp":"2026-11-22T19:44:10.645+00:00","localTimezone":"UTC","serviceUrl":"@serviceUrl@",)"
      R"("conversation":{"conversationType":"personal","tenantId":"00000000-0000-0000-0000-0000000000001",)"
      R"("id":"@conversation@"},"recipient":{"id":"00000000-0000-0000-0000-00000000000011","name":"Test Bot"},)"
      R"("textFormat":"plain","locale":"en-US","entities":[{"type":"clientInfo","locale":"en-US","country":"US",)"
      R"("platform":"Web","timezone":"UTC"}],"channelData":{"tenant":{"id":"00000000-0000-0000-0000-0000000000001"}},)"
      R"(@mode@"channelId":"emulator"})";
  replace(text, "@serviceUrl@", service_url);
  replace(text, "@mode@", mode == Mode::replies ? R"("deliveryMode":"expectReplies",)" : "");
  return text;
}

std::string small_message_template(std::string_view service_url) {
  std::string text =
      R"({"type":"message","id":"@id@","timestamp":"2026-11-22T10:00:00.123Z",)"
      R"("localTimestamp":"2026-11-22T11:00:00.123+01:00","channelId":"emulator","serviceUrl":"@serviceUrl@",)"
      R"("from":{"id":"@user@","name":"User","role":"user"},"conversation":{"id":"@conversation@"},)"
      R"("recipient":{"id":"bot1","name":"Bot","role":"bot"},"text":"hello","locale":"en-US"})";
  replace(text, "@serviceUrl@", service_url);
  return text;
}

std::string fill(std::string text, std::string_view id, std::string_view conversation, std::string_view user) {
  replace(text, "@id@", id);
  replace(text, "@conversation@", conversation);
  replace(text, "@user@", user);
  return text;
}

}  // namespace bench
