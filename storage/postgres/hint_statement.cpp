#include "hint_statement.hpp"

#include <tern/async/log.hpp>
#include <tern/storage/schedule_types.hpp>

#include "binary_array.hpp"

#include <random>
#include <utility>

namespace tern::detail::pg {

namespace {

std::string any_origin() {
  std::random_device random;
  return std::to_string(random()) + "." + std::to_string(random());
}

Statement statement_for(std::string name, const std::string& channel) {
  return {std::move(name), "SELECT pg_notify('" + channel + "', i.payload) FROM unnest($1::text[]) AS i(payload)"};
}

}  // namespace

// Names of channels are short, and schemas may have long names.
HintStatement::HintStatement(const std::string& schema)
    : channel_("tern_hints_" + std::to_string(stable_hash(schema))),
      channel_of_notes_("tern_notes_" + std::to_string(stable_hash(schema))),
      origin_(any_origin()),
      statement_(statement_for("tern_hint", channel_)),
      statement_of_notes_(statement_for("tern_note", channel_of_notes_)) {}

bool HintStatement::works(Session& session, SteadyTime cut_at) {
  if (support_.load(std::memory_order_acquire) == Support::unknown) {
    auto found = Support::there;
    try {
      notify(session, {""}, cut_at);
    } catch (const Failure& failure) {
      if (failure.is_lost() || failure.kind() == FailureKind::timed_out || failure.kind() == FailureKind::full) {
        throw;
      }
      found = Support::missing;
      log::info("other processes are not told of changes: the server of the storage takes no notifications",
                {{"storage", "postgres"}, {"why", failure.what()}});
    }
    support_.store(found, std::memory_order_release);
  }
  return support_.load(std::memory_order_acquire) == Support::there;
}

void HintStatement::notify(Session& session, const std::vector<std::string>& topics, SteadyTime cut_at) const {
  std::size_t bytes = 0;
  for (const auto& topic : topics) {
    bytes += origin_.size() + 1 + topic.size();
  }
  BinaryArray payloads(ElementType::text, topics.size(), bytes);
  for (const auto& topic : topics) {
    payloads.add(origin_ + ' ' + topic);
  }
  session.execute(statement_, {payloads.parameter()}, cut_at);
}

void HintStatement::tell(Session& session, const NoteQueue::Notes& notes, SteadyTime cut_at) const {
  BinaryArray payloads(ElementType::text, notes.size());
  for (const auto& [topic, text] : notes) {
    auto payload = origin_;
    payload.append(" ").append(topic).append("\n").append(text);
    payloads.add(payload);
  }
  session.execute(statement_of_notes_, {payloads.parameter()}, cut_at);
}

}  // namespace tern::detail::pg
