#pragma once

#include <tern/storage.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

namespace tern {

namespace detail {

class HintBoard;

class StorageModel {
 public:
  StorageModel();
  virtual ~StorageModel();
  StorageModel(const StorageModel&) = delete;
  StorageModel& operator=(const StorageModel&) = delete;
  virtual StoreTraits traits() const noexcept = 0;
  virtual awaitable<void> open(Deadline by) = 0;
  virtual awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) = 0;
  virtual awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) = 0;
  virtual awaitable<StorePage> scan(StoreScan scan, Deadline by) = 0;
  virtual awaitable<void> close(Deadline by) = 0;
  virtual bool schedules() const noexcept = 0;
  virtual awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want,
                                          Deadline by) = 0;
  virtual awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) = 0;
  virtual awaitable<DuePage> load_due(DueQuery due, Deadline by) = 0;
  virtual awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) = 0;
  virtual awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) = 0;
  virtual void put_back(const std::vector<DueEntry>& entries) noexcept = 0;
  virtual awaitable<SendPage> list_sends(SendQuery query, Deadline by) = 0;
  virtual awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) = 0;
  virtual awaitable<KeyPage> list_keys(KeyQuery query, Deadline by) = 0;
  virtual awaitable<SendCounts> count_sends(Deadline by) = 0;
  virtual awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) = 0;
  virtual void hear_hints(HintListener listener) = 0;
  virtual bool hears_hints() const noexcept = 0;
  virtual void hear_notes(NoteListener listener) = 0;
  virtual void tell(std::string topic, std::string text) = 0;

  HintSubscription listen(std::string prefix, HintListener listener);
  HintSubscription listen_to_notes(std::string prefix, NoteListener listener);

 private:
  friend awaitable<boost::system::result<StoreReceipt, StoreConflict>> write_and_hint(
      std::shared_ptr<StorageModel> model, StoreChanges changes, Deadline by);

  void begin_to_hear();

  const std::shared_ptr<HintBoard> board_;
  const std::shared_ptr<HintBoard> notes_;
  std::once_flag hears_;
};

/// Refuses what is no note.
void require_valid_note(const std::string& topic, const std::string& text);

/// Writes, and then tells the listeners of this process.
awaitable<boost::system::result<StoreReceipt, StoreConflict>> write_and_hint(std::shared_ptr<StorageModel> model,
                                                                             StoreChanges changes, Deadline by);

[[noreturn]] void throw_no_schedule(std::string_view backend);

template <Storage S>
class StorageModelOf final : public StorageModel {
 public:
  template <class... Args>
  explicit StorageModelOf(Args&&... args) : storage_(std::forward<Args>(args)...) {}

  StoreTraits traits() const noexcept override { return storage_.traits(); }
  awaitable<void> open(Deadline by) override { return storage_.open(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) override {
    return storage_.read(std::move(keys), by);
  }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) override {
    return storage_.write(std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) override { return storage_.scan(std::move(scan), by); }
  awaitable<void> close(Deadline by) override { return storage_.close(by); }
  bool schedules() const noexcept override { return ScheduleStorage<S>; }

  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want,
                                  Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.hold_slots(std::move(owner), std::move(held), want, by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.release_slots(std::move(held), by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.load_due(std::move(due), by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.load_late(std::move(held), by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.fetch(std::move(entries), by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  // A store without a schedule has handed out nothing.
  void put_back(const std::vector<DueEntry>& entries) noexcept override {
    if constexpr (ScheduleStorage<S>) {
      storage_.put_back(entries);
    }
  }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.list_sends(std::move(query), by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.list_dead(std::move(query), by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by) override {
    if constexpr (MovableSchedule<S>) {
      return storage_.list_keys(std::move(query), by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<SendCounts> count_sends(Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.count_sends(by);
    } else {
      throw_no_schedule(traits().name);
    }
  }
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) override {
    if constexpr (ScheduleStorage<S>) {
      return storage_.estimate_due(from, until, by);
    } else {
      throw_no_schedule(traits().name);
    }
  }

  void hear_hints(HintListener listener) override {
    if constexpr (HintingStorage<S>) {
      storage_.hear_hints(std::move(listener));
    }
  }
  void hear_notes(NoteListener listener) override {
    if constexpr (NotingStorage<S>) {
      storage_.hear_notes(std::move(listener));
    }
  }
  void tell(std::string topic, std::string text) override {
    if constexpr (NotingStorage<S>) {
      storage_.tell(std::move(topic), std::move(text));
    }
  }
  // A store of one process needs nobody to pass hints on.
  bool hears_hints() const noexcept override {
    if constexpr (HintingStorage<S>) {
      return storage_.hears_hints();
    } else {
      return !storage_.traits().shared;
    }
  }

  const S& storage() const noexcept { return storage_; }

 private:
  S storage_;
};

}  // namespace detail

/// Any type that satisfies `Storage`, erased, so that the configuration chooses the backend and bots are no templates.
/// Copies share one store. `AnyStorage` satisfies `MovableSchedule`. On a store without a schedule (`schedules()` is
/// false) the functions of the schedule throw `errc::invalid_argument`, but `put_back` does nothing. `list_keys` throws
/// the same on a store that is no `MovableSchedule`.
///
/// Thread safety: as `Storage`.
class AnyStorage {
 public:
  /// Builds an `S` in place.
  template <Storage S, class... Args>
  static AnyStorage make(Args&&... args) {
    return AnyStorage(std::make_shared<detail::StorageModelOf<S>>(std::forward<Args>(args)...));
  }

  /// The same, and access to the `S` itself for functions that the concept does not have, such as its figures.
  template <Storage S, class... Args>
  static std::pair<AnyStorage, std::shared_ptr<const S>> make_with_access(Args&&... args) {
    auto model = std::make_shared<detail::StorageModelOf<S>>(std::forward<Args>(args)...);
    std::shared_ptr<const S> access(model, &model->storage());
    return {AnyStorage(std::move(model)), std::move(access)};
  }

  /// The traits of the store.
  StoreTraits traits() const noexcept { return model_->traits(); }
  /// Whether the store keeps a schedule.
  bool schedules() const noexcept { return model_->schedules(); }
  ///@{
  /// As the concept `Storage` says.
  awaitable<void> open(Deadline by) { return model_->open(by); }
  awaitable<StoreItems> read(std::vector<std::string> keys, Deadline by) { return model_->read(std::move(keys), by); }
  awaitable<boost::system::result<StoreReceipt, StoreConflict>> write(StoreChanges changes, Deadline by) {
    return changes.hints.empty() ? model_->write(std::move(changes), by)
                                 : detail::write_and_hint(model_, std::move(changes), by);
  }
  awaitable<StorePage> scan(StoreScan scan, Deadline by) { return model_->scan(std::move(scan), by); }
  awaitable<void> close(Deadline by) { return model_->close(by); }
  ///@}
  ///@{
  /// As the concepts `ScheduleStorage` and `MovableSchedule` say.
  awaitable<HeldSlots> hold_slots(std::string owner, std::vector<SlotLease> held, std::uint16_t want, Deadline by) {
    return model_->hold_slots(std::move(owner), std::move(held), want, by);
  }
  awaitable<void> release_slots(std::vector<SlotLease> held, Deadline by) {
    return model_->release_slots(std::move(held), by);
  }
  awaitable<DuePage> load_due(DueQuery due, Deadline by) { return model_->load_due(std::move(due), by); }
  awaitable<LateSends> load_late(std::vector<SlotLease> held, Deadline by) {
    return model_->load_late(std::move(held), by);
  }
  awaitable<std::vector<ScheduledSend>> fetch(std::vector<DueEntry> entries, Deadline by) {
    return model_->fetch(std::move(entries), by);
  }
  void put_back(const std::vector<DueEntry>& entries) noexcept { model_->put_back(entries); }
  awaitable<SendPage> list_sends(SendQuery query, Deadline by) { return model_->list_sends(std::move(query), by); }
  awaitable<DeadPage> list_dead(DeadQuery query, Deadline by) { return model_->list_dead(std::move(query), by); }
  awaitable<KeyPage> list_keys(KeyQuery query, Deadline by) { return model_->list_keys(std::move(query), by); }
  awaitable<SendCounts> count_sends(Deadline by) { return model_->count_sends(by); }
  awaitable<std::uint64_t> estimate_due(WallTime from, WallTime until, Deadline by) {
    return model_->estimate_due(from, until, by);
  }
  ///@}

  /// Tells `listener` of the hints of writes whose topic begins with `prefix`; "" is all. It hears the writes that end
  /// after this call, of this process through this `AnyStorage` and its copies, and of others as far as `hears_hints`
  /// says. See `HintListener` for what a hint is worth.
  /// Lifetime: the store does not wait for subscriptions; end them first.
  HintSubscription listen(std::string prefix, HintListener listener) {
    return model_->listen(std::move(prefix), std::move(listener));
  }
  /// Whether listeners hear of the writes of all processes now. On a store of one process they do. On PostgreSQL they
  /// do while the connection for hints is there, which is made with the first `listen`; behind PgBouncer they never do.
  /// While they do not, look at the store from time to time.
  bool hears_hints() const noexcept { return model_->hears_hints(); }

  /// Tells the listeners of the other processes that use the store a note: a text of the moment, which is stored
  /// nowhere and may be lost. It is told soon if `hears_hints`, and otherwise not at all; of notes that wait with the
  /// same topic, the last one is told. Listeners of this process are not told: whoever calls this knows. A store of one
  /// process, and one that passes on no notes, does nothing. `topic`: 1 to 256 printable characters of ASCII. `text`:
  /// UTF-8 without NUL, at most `max_note_bytes`. Preconditions: `open`. Errors: `errc::invalid_argument` for a topic
  /// or text that is none.
  void tell(std::string topic, std::string text) {
    detail::require_valid_note(topic, text);
    model_->tell(std::move(topic), std::move(text));
  }
  /// Tells `listener` of the notes of other processes whose topic begins with `prefix`; "" is all.
  /// Lifetime: as that of `listen`.
  HintSubscription listen_to_notes(std::string prefix, NoteListener listener) {
    return model_->listen_to_notes(std::move(prefix), std::move(listener));
  }

 private:
  explicit AnyStorage(std::shared_ptr<detail::StorageModel> model) : model_(std::move(model)) {}
  std::shared_ptr<detail::StorageModel> model_;
};

static_assert(MovableSchedule<AnyStorage>);

}  // namespace tern
