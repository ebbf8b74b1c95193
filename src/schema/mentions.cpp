// Takes mentions out of a text.
#include <tern/schema/activity.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace tern {

namespace {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// An entity of type `mention`, with the piece of text that stands for it.
struct Piece {
  std::string_view text;     ///< the entity's `text`; "" when it has none, or the activity's text does not contain it
  std::string_view name;     ///< the name of the mentioned account, for the form `<at>NAME</at>`
  std::size_t position = 0;  ///< among the pieces of the activity
  bool is_taken_out = false;
};

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Channels write the same id in lower and in upper case, and SDKs find the types of entities in either.
bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

// Teams escapes these characters of a name in a text.
std::string unescaped(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> escapes{
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&amp;", '&'}}};
  std::string plain;
  while (!text.empty()) {
    const auto found = std::find_if(escapes.begin(), escapes.end(),
                                    [&](const auto& escape) { return text.starts_with(escape.first); });
    plain += found != escapes.end() ? found->second : text.front();
    text.remove_prefix(found != escapes.end() ? found->first.size() : 1);
  }
  return plain;
}

// The next `<at>NAME</at>` or `<at id="0">NAME</at>` from `from` on. The search for the end of an element stops at the
// longest possible length, because a stranger may write very many beginnings of elements.
Span find_element(std::string_view text, std::string_view name, std::size_t from) {
  constexpr std::string_view opening = "<at";
  constexpr std::string_view closing = "</at>";
  constexpr std::size_t longest_tag = 64;
  constexpr std::size_t longest_escape = 6;
  for (auto at = text.find(opening, from); at != std::string_view::npos; at = text.find(opening, at + 1)) {
    const auto tag = text.substr(at, longest_tag);
    const auto inner = tag.find_first_of("<>", 1);
    if (inner == std::string_view::npos || tag[inner] != '>' ||
        (inner > opening.size() && tag[opening.size()] != ' ')) {
      continue;
    }
    const auto rest = text.substr(at + inner + 1, longest_escape * name.size() + closing.size());
    const auto size = rest.find(closing);
    const auto content = rest.substr(0, size);
    if (size != std::string_view::npos && (content == name || unescaped(content) == name)) {
      return {at, at + inner + 1 + size + closing.size()};
    }
  }
  return {};
}

// The next piece of text that stands for the mention; an empty span when there is none.
Span find_piece(std::string_view text, const Piece& piece, std::size_t from) {
  if (!piece.text.empty()) {
    const auto at = text.find(piece.text, from);
    return at == std::string_view::npos ? Span() : Span{at, at + piece.text.size()};
  }
  return piece.name.empty() ? Span() : find_element(text, piece.name, from);
}

/// The pieces of a text that belong to mentions.
class Claims {
 public:
  explicit Claims(std::string_view text) : text_(text) {}

  /// Claims the next piece that no other mention has claimed; an empty span when there is none.
  Span take(const Piece& piece) {
    auto& from = from_[{piece.text, piece.text.empty() ? piece.name : ""}];
    auto found = find_piece(text_, piece, from);
    while (found.end > 0 && overlaps(found)) {
      found = find_piece(text_, piece, found.begin + 1);
    }
    from = found.end > 0 ? found.end : text_.size();
    if (found.end > 0) {
      spans_[found.begin] = found.end;
    }
    return found;
  }

 private:
  bool overlaps(Span span) const {
    const auto after = spans_.lower_bound(span.end);
    return after != spans_.begin() && std::prev(after)->second > span.begin;
  }

  std::string_view text_;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> from_;
  std::map<std::size_t, std::size_t> spans_;  // from begin to end; they do not overlap
};

std::string_view string_at(const json::object& fields, std::string_view name) {
  const auto* value = fields.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->as_string()) : std::string_view();
}

// A mention whose text is not in the text of the activity is searched for by its name.
std::vector<Piece> pieces_of(const json::array& entities, std::string_view text, std::string_view account_id) {
  constexpr std::size_t most = 256;  // each one costs a search through the whole text
  std::vector<Piece> pieces;
  for (const auto& item : entities) {
    if (pieces.size() == most) {
      break;
    }
    const auto* fields = item.if_object();
    const auto* mentioned = fields != nullptr ? fields->if_contains("mentioned") : nullptr;
    if (mentioned == nullptr || !mentioned->is_object() ||
        !equal_without_case(string_at(*fields, "type"), Mention::type_name)) {
      continue;
    }
    Piece piece;
    piece.text = string_at(*fields, "text");
    piece.name = string_at(mentioned->as_object(), "name");
    piece.position = pieces.size();
    piece.is_taken_out = equal_without_case(string_at(mentioned->as_object(), "id"), account_id);
    if (!piece.name.empty() && text.find(piece.text) == std::string_view::npos) {
      piece.text = {};
    }
    pieces.push_back(piece);
  }
  // Longer texts first, so that "@Bot" does not claim a part of "@Bottom".
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::pair(b.text.size(), a.position) < std::pair(a.text.size(), b.position);
  });
  return pieces;
}

// Each mention claims one piece, in the order of the mentions, so that the mention of a user with the bot's name stays.
// The other pieces that look like a mention of the account are taken out as well, unless they may mention somebody
// else.
std::vector<Span> spans_to_take_out(std::string_view text, const std::vector<Piece>& pieces) {
  Claims claims(text);
  std::vector<Span> spans;
  std::map<std::pair<std::string_view, std::string_view>, bool> is_shared;
  for (const auto& piece : pieces) {
    const auto found = claims.take(piece);
    if (found.end > 0 && piece.is_taken_out) {
      spans.push_back(found);
    }
    is_shared[{piece.text, piece.text.empty() ? piece.name : ""}] |= !piece.is_taken_out;
  }
  for (const auto& piece : pieces) {
    if (is_shared[{piece.text, piece.text.empty() ? piece.name : ""}]) {
      continue;
    }
    for (auto found = claims.take(piece); found.end > 0; found = claims.take(piece)) {
      spans.push_back(found);
    }
  }
  std::sort(spans.begin(), spans.end(), [](Span a, Span b) { return a.begin > b.begin; });
  return spans;
}

// Teams puts a no-break space behind a mention, and some of its clients write it as `&nbsp;`.
std::string trimmed_of_escapes(std::string text) {
  constexpr std::string_view space = "&nbsp;";
  for (text = trimmed(text); text.starts_with(space); text = trimmed(text)) {
    text.erase(0, space.size());
  }
  for (; text.ends_with(space); text = trimmed(text)) {
    text.resize(text.size() - space.size());
  }
  return text;
}

}  // namespace

std::string Activity::text_without_mention(std::string_view account_id) const {
  std::string rest(text());
  const json::array* all = array_at("entities");
  if (all == nullptr || account_id.empty()) {
    return trimmed(rest);
  }
  const auto spans = spans_to_take_out(text(), pieces_of(*all, text(), account_id));
  for (const auto& span : spans) {
    rest.erase(span.begin, span.end - span.begin);
  }
  return spans.empty() ? trimmed(rest) : trimmed_of_escapes(std::move(rest));
}

std::string Activity::text_without_recipient_mention() const {
  return text_without_mention(recipient_id().value_or(""));
}

}  // namespace tern
