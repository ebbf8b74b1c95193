#include <tern/storage/any_storage.hpp>

#include "storage/hint_board.hpp"
#include "storage/validate.hpp"

#include <utility>

namespace tern::detail {

StorageModel::StorageModel() : board_(std::make_shared<HintBoard>()) {}

StorageModel::~StorageModel() = default;

// The store keeps the board, not the other way round: it may end while a subscription is left.
HintSubscription StorageModel::listen(std::string prefix, HintListener listener) {
  auto subscription = board_->add(std::move(prefix), std::move(listener));
  std::call_once(hears_, [this] { hear_hints([board = board_](std::string_view topic) { board->announce(topic); }); });
  return subscription;
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
