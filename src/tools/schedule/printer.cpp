#include "tools/schedule/printer.hpp"

#include <tern/schema/timestamp.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <ostream>
#include <string_view>
#include <utility>

namespace tern::tools {

namespace {

// A time as a person reads it.
std::string told(WallTime when, WallTime now) {
  return utc_text(when) + " UTC, " + relative_text(when, now);
}

std::string as_text(const json::value& value) {
  if (value.is_bool()) {
    return value.as_bool() ? "yes" : "no";
  }
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

}  // namespace

void Printer::rows(const std::vector<ScheduledSend>& sends) {
  const bool with_text = form_.texts == Texts::shown;
  if (form_.json) {
    for (const auto& send : sends) {
      out_ << json::serialize(describe(send, form_.texts)) << '\n';
    }
    return;
  }
  Table::Row headings{"HANDLE", "DUE (UTC)", "", "CONVERSATION", "KIND", "ATTEMPTS"};
  std::vector<Table::Row> lines;
  for (const auto& send : sends) {
    const auto& due = send.handle.due;
    lines.push_back({send.handle.to_string(), utc_text(due), relative_text(due, now()), send.order_key, kind_text(send),
                     std::to_string(send.attempt)});
    if (with_text) {
      lines.back().push_back(message_text(send));
    }
  }
  if (with_text) {
    headings.emplace_back("TEXT");
  }
  table(std::move(headings)).print(std::move(lines));
}

void Printer::rows(const std::vector<DeadSend>& sends) {
  const bool with_text = form_.texts == Texts::shown;
  if (form_.json) {
    for (const auto& dead : sends) {
      out_ << json::serialize(describe(dead, form_.texts)) << '\n';
    }
    return;
  }
  Table::Row headings{"HANDLE", "DIED (UTC)", "", "CONVERSATION", "KIND", "ATTEMPTS", "REASON"};
  std::vector<Table::Row> lines;
  for (const auto& dead : sends) {
    lines.push_back({dead.send.handle.to_string(), utc_text(dead.died), relative_text(dead.died, now()),
                     dead.send.order_key, kind_text(dead.send), std::to_string(dead.send.attempt), dead.reason});
    if (with_text) {
      lines.back().push_back(message_text(dead.send));
    }
  }
  if (with_text) {
    headings.emplace_back("TEXT");
  }
  table(std::move(headings)).print(std::move(lines));
}

void Printer::one(const ScheduledSend& send) {
  json::object shown;
  shown["state"] = "pending";
  for (auto& field : describe(send, form_.texts)) {
    shown[field.key()] = std::move(field.value());
  }
  if (!form_.json) {
    shown["due"] = told(send.handle.due, now());
    if (shown.contains("not_before")) {
      shown["not_before"] = told(send.not_before, now());
    }
  }
  print_fields(std::move(shown));
}

void Printer::one(const DeadSend& dead) {
  json::object shown;
  shown["state"] = "dead";
  for (auto& field : describe(dead, form_.texts)) {
    shown[field.key()] = std::move(field.value());
  }
  if (!form_.json) {
    shown["due"] = told(dead.send.handle.due, now());
    shown["died"] = told(dead.died, now());
  }
  print_fields(std::move(shown));
}

void Printer::counts(const SendCounts& counts) {
  json::object shown;
  shown["pending"] = counts.pending;
  shown["awaiting_reply"] = counts.awaiting_reply;
  if (counts.oldest) {
    shown["oldest"] = form_.json ? Timestamp::utc(*counts.oldest).text() : told(*counts.oldest, now());
  }
  shown["sent"] = counts.sent;
  shown["cancelled"] = counts.cancelled;
  shown["expired"] = counts.expired;
  shown["dead"] = counts.dead;
  shown["kept_dead"] = counts.kept_dead;
  print_fields(std::move(shown));
}

void Printer::outcome(const std::string& handle, const std::string& outcome, const std::string& told) {
  if (form_.json) {
    const json::object shown{{"handle", handle}, {"outcome", outcome}};
    out_ << json::serialize(shown) << '\n';
  } else {
    out_ << handle << "  " << told << '\n';
  }
}

void Printer::remark(const std::string& text) {
  if (!form_.json) {
    out_ << text << '\n';
  }
}

void Printer::print_fields(json::object fields) {
  if (form_.json) {
    out_ << json::serialize(fields) << '\n';
    return;
  }
  std::size_t widest = 0;
  for (const auto& field : fields) {
    widest = std::max(widest, field.key().size());
  }
  for (const auto& field : fields) {
    std::string name(field.key());
    std::replace(name.begin(), name.end(), '_', ' ');
    name.resize(widest + 2, ' ');
    // Whoever asked to see one message sees all of it.
    out_ << name << printable(as_text(field.value()), std::string::npos) << '\n';
  }
}

Table& Printer::table(Table::Row headings) {
  if (!table_) {
    table_.emplace(out_, std::move(headings));
  }
  return *table_;
}

}  // namespace tern::tools
