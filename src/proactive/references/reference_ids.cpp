#include "proactive/references/reference_ids.hpp"

#include <tern/schema/parse.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <cstddef>
#include <limits>
#include <utility>

namespace tern::proactive {

/// Takes the parser's events and keeps the texts that count. A value counts by its depth and the names that lead to it.
class ReferenceIds::Reader {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  ReferenceIds ids;
  bool is_object = false;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    is_object = is_object || depth_ == 0;
    return enter();
  }
  bool on_object_end(std::size_t, error_code&) { return leave(); }
  bool on_array_begin(error_code&) { return enter(); }
  bool on_array_end(std::size_t, error_code&) { return leave(); }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    if (depth_ <= 2) {
      name_.append(part.data(), part.size());
    }
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    into_ = nullptr;
    is_flag_ = false;
    if (depth_ > 2) {
      return true;
    }
    std::string_view name(part.data(), part.size());
    if (!name_.empty()) {
      name_.append(name);
      name = name_;
    }
    depth_ == 1 ? begin_member(name) : begin_inner(name);
    name_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    if (into_ != nullptr) {
      ids.kept_.append(part.data(), part.size());
    }
    return true;
  }
  // `size` is that of the whole string, of which the last part is given.
  bool on_string(json::string_view part, std::size_t size, error_code&) {
    if (into_ != nullptr) {
      ids.kept_.append(part.data(), part.size());
      *into_ = Part{static_cast<std::uint32_t>(ids.kept_.size() - size), static_cast<std::uint32_t>(size)};
      into_ = nullptr;
    }
    return true;
  }
  bool on_bool(bool flag, error_code&) {
    if (is_flag_) {
      ids.is_group_ = flag ? Flag::yes : Flag::no;
    }
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, error_code&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, error_code&) { return true; }
  bool on_double(double, json::string_view, error_code&) { return true; }
  bool on_null(error_code&) { return true; }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  enum class Member : std::uint8_t { other, bot, user, conversation };

  bool enter() {
    ++depth_;
    into_ = nullptr;
    is_flag_ = false;
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  // A member of the reference itself. What an earlier one of the name has said is forgotten.
  void begin_member(std::string_view name) {
    member_ = Member::other;
    if (name == "channelId") {
      into_ = &(ids.channel_ = {});
    } else if (name == "serviceUrl") {
      into_ = &(ids.service_url_ = {});
    } else if (name == "bot") {
      member_ = Member::bot;
      ids.bot_ = {};
    } else if (name == "user") {
      member_ = Member::user;
      ids.user_ = {};
    } else if (name == "conversation") {
      member_ = Member::conversation;
      ids.conversation_ = ids.tenant_ = ids.conversation_type_ = {};
      ids.is_group_ = Flag::unknown;
    }
  }

  void begin_inner(std::string_view name) {
    if (name == "id") {
      into_ = member_ == Member::bot            ? &(ids.bot_ = {})
              : member_ == Member::user         ? &(ids.user_ = {})
              : member_ == Member::conversation ? &(ids.conversation_ = {})
                                                : nullptr;
    } else if (member_ == Member::conversation) {
      if (name == "tenantId") {
        into_ = &(ids.tenant_ = {});
      } else if (name == "conversationType") {
        into_ = &(ids.conversation_type_ = {});
      } else if (name == "isGroup") {
        ids.is_group_ = Flag::unknown;
        is_flag_ = true;
      }
    }
  }

  std::size_t depth_ = 0;
  Member member_ = Member::other;
  Part* into_ = nullptr;  // where the next text goes
  bool is_flag_ = false;  // whether the next value is isGroup
  std::string name_;      // of a name that comes in parts
};

std::optional<ReferenceIds> ReferenceIds::parse(std::string_view reference) {
  json::parse_options options;
  options.max_depth = max_json_depth;
  json::basic_parser<Reader> parser(options);
  error_code error;
  const auto end = parser.write_some(false, reference.data(), reference.size(), error);
  auto& reader = parser.handler();
  if (error || end < reference.size() || !reader.is_object) {
    return std::nullopt;
  }
  return std::move(reader.ids);
}

}  // namespace tern::proactive
