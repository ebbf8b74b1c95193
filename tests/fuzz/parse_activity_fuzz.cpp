// Whatever arrives: no crash, and what is accepted is written so that it is read back the same.

#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void use_every_accessor(const tern::Activity& activity) {
  static_cast<void>(activity.timestamp());
  static_cast<void>(activity.local_timestamp());
  static_cast<void>(activity.expiration());
  static_cast<void>(activity.suggested_actions());
  static_cast<void>(activity.relates_to());
  static_cast<void>(activity.members_added());
  static_cast<void>(activity.attachments());
  static_cast<void>(activity.listen_for());
  static_cast<void>(activity.text_without_mention(activity.recipient_id().value_or("")));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(tern::Timestamp::parse(text));
  const auto value = tern::parse_json(text);
  if (value.has_error()) {
    require(!value.error().code.empty() && !value.error().message.empty());
    require(tern::parse_activity(text).has_error());
    return 0;
  }
  const std::string written = boost::json::serialize(*value);
  const auto again = tern::parse_json(written);
  require(again.has_value() && *again == *value && boost::json::serialize(*again) == written);

  const auto activity = tern::parse_activity(text);
  if (activity.has_error()) {
    return 0;
  }
  require(!activity->type().empty() && activity->conversation_id() && !activity->caller_id());
  use_every_accessor(*activity);
  tern::Activity reply = tern::Activity::message("x");
  reply.apply_reference(activity->reference(), true);
  require(reply.conversation_id() == activity->conversation_id());
  return 0;
}
