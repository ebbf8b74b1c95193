#pragma once

#include "storage/schedule_rules.hpp"

#include <boost/intrusive/set.hpp>

#include <algorithm>
#include <memory>

namespace tern::detail {

/// A pending send, packed: its seven texts are one allocation, and copying it copies no text, so that a page of
/// them can be taken under the lock and unpacked outside it.
class PackedSend {
 public:
  PackedSend(const ScheduledSend& send, std::uint64_t order_key_hash);

  ScheduledSend unpack() const;
  storage::SendState state() const noexcept;
  void set(const storage::SendState& state) noexcept;
  DueEntry entry() const;
  SendHandle handle() const { return SendHandle{slot, due, id}; }
  /// When it is to be sent: a retry waits until its `not_before`.
  WallTime effective_due() const noexcept { return std::max(due, not_before); }
  bool is_retry() const noexcept { return not_before > due; }
  std::string_view order_key() const noexcept { return {texts_.get(), lengths_[0]}; }
  std::string_view cancel_on_reply() const noexcept { return {texts_.get() + lengths_[0], lengths_[1]}; }
  std::uint64_t id_hash() const noexcept { return hash_of(id); }
  static std::uint64_t hash_of(const std::array<std::uint8_t, 16>& id) noexcept;

  std::array<std::uint8_t, 16> id;
  WallTime due;
  WallTime not_before;
  WallTime expires;  ///< the end of time when it does not
  std::uint64_t seq = 0;
  std::uint64_t order_hash;
  std::uint64_t fetched_in = 0;  ///< the epoch in which it was fetched for sending, 0 when it was not
  std::uint32_t generation;
  std::uint32_t attempt;
  std::uint16_t slot;
  std::uint16_t begun;
  SendKind kind;
  bool at_most_once;

 private:
  std::array<std::uint32_t, 7> lengths_;
  /// Order key, the conversation whose reply cancels it, reference, payload, idempotency key, request id, annotations.
  std::shared_ptr<const char[]> texts_;
};

struct ByDueTag;
struct ByOrderTag;
template <class Tag>
using SendHook = boost::intrusive::set_base_hook<boost::intrusive::tag<Tag>, boost::intrusive::optimize_size<true>,
                                                 boost::intrusive::link_mode<boost::intrusive::normal_link>>;

/// A pending send in its slot: in one of the slot's two orders by time, and in the order of its conversation.
struct SendRecord : SendHook<ByDueTag>, SendHook<ByOrderTag> {
  SendRecord(const ScheduledSend& s, std::uint64_t order_key_hash) : send(s, order_key_hash) {}
  explicit SendRecord(PackedSend packed) : send(std::move(packed)) {}
  PackedSend send;
};

/// A place in an order by time. Sequence numbers begin at 1, so (when, 0) is before all that are due at `when`.
struct TimePlace {
  WallTime when;
  std::uint64_t seq = 0;
  friend auto operator<=>(const TimePlace&, const TimePlace&) = default;
};

/// By (due, seq), the order of a listing.
struct ByDue {
  using is_transparent = void;
  static TimePlace place(const SendRecord& record) noexcept { return {record.send.due, record.send.seq}; }
  bool operator()(const SendRecord& a, const SendRecord& b) const noexcept { return place(a) < place(b); }
  bool operator()(const SendRecord* a, const SendRecord* b) const noexcept { return place(*a) < place(*b); }
  bool operator()(const TimePlace& a, const SendRecord* b) const noexcept { return a < place(*b); }
  bool operator()(const TimePlace& a, const SendRecord& b) const noexcept { return a < place(b); }
  bool operator()(const SendRecord& a, const TimePlace& b) const noexcept { return place(a) < b; }
};

/// By (time to send, seq), the order of sending.
struct ByEffectiveDue {
  static TimePlace place(const SendRecord& record) noexcept { return {record.send.effective_due(), record.send.seq}; }
  bool operator()(const SendRecord& a, const SendRecord& b) const noexcept { return place(a) < place(b); }
  bool operator()(const TimePlace& a, const SendRecord& b) const noexcept { return a < place(b); }
  bool operator()(const SendRecord& a, const TimePlace& b) const noexcept { return place(a) < b; }
};

/// By (hash of the order key, due, seq): the sends of one conversation side by side.
struct ByOrder {
  struct Place {
    std::uint64_t hash;
    TimePlace place;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  static Place place(const SendRecord& record) noexcept { return {record.send.order_hash, ByDue::place(record)}; }
  bool operator()(const SendRecord& a, const SendRecord& b) const noexcept { return place(a) < place(b); }
  bool operator()(const Place& a, const SendRecord& b) const noexcept { return a < place(b); }
  bool operator()(const SendRecord& a, const Place& b) const noexcept { return place(a) < b; }
};

template <class Tag, class Order>
using SendTree = boost::intrusive::set<SendRecord, boost::intrusive::base_hook<SendHook<Tag>>,
                                       boost::intrusive::compare<Order>, boost::intrusive::constant_time_size<false>>;

}  // namespace tern::detail
