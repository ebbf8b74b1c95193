#include <tern/storage/any_storage.hpp>

#include "storage/hint_board.hpp"
#include "storage/storable_text.hpp"
#include "storage/validate.hpp"

#include <string>
#include <utility>

namespace tern::detail {

StorageModel::StorageModel() : board_(std::make_shared<HintBoard>()), notes_(std::make_shared<HintBoard>()) {}

StorageModel::~StorageModel() = default;

// The store keeps the boards, not the other way round: it may end while a subscription is left.
void StorageModel::begin_to_hear() {
  std::call_once(hears_, [this] {
    hear_notes([board = notes_](std::string_view topic, std::string_view text) { board->announce(topic, text); });
    hear_hints([board = board_](std::string_view topic) { board->announce(topic); });
  });
}

HintSubscription StorageModel::listen(std::string prefix, HintListener listener) {
  auto subscription = board_->add(std::move(prefix), std::move(listener));
  begin_to_hear();
  return subscription;
}

HintSubscription StorageModel::listen_to_notes(std::string prefix, NoteListener listener) {
  auto subscription = notes_->add_for_notes(std::move(prefix), std::move(listener));
  begin_to_hear();
  return subscription;
}

void require_valid_note(const std::string& topic, const std::string& text) {
  require_valid_topic(topic);
  if (text.size() > max_note_bytes || !is_storable_text(text)) {
    throw_error(errc::invalid_argument, "The text of a note is UTF-8 without NUL, and has at most " +
                                            std::to_string(max_note_bytes) + " bytes.");
  }
}

awaitable<boost::system::result<StoreReceipt, StoreConflict>> write_and_hint(std::shared_ptr<StorageModel> model,
                                                                             StoreChanges changes, Deadline by) {
  require_valid_hints(changes.hints);
  const auto topics = changes.hints;
  auto written = co_await model->write(std::move(changes), by);
  if (written) {
    for (const auto& topic : topics) {
      model->board_->announce(topic);
    }
  }
  co_return written;
}

void throw_no_schedule(std::string_view backend) {
  throw_error(errc::invalid_argument, "The storage \"" + std::string(backend) +
                                          "\" keeps no schedule, so nothing can be sent later from it. Choose a "
                                          "backend that does, for example memory, or keep the schedule in another.");
}

}  // namespace tern::detail
