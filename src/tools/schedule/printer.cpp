#include "tools/schedule/printer.hpp"

#include "app/proactive_json.hpp"
#include "proactive/send_views.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iterator>
#include <ostream>
#include <string>
#include <utility>

namespace tern::tools {

void Printer::rows(const std::vector<ScheduledSend>& sends) {
  const bool with_text = form_.texts == Texts::shown;
  if (form_.json) {
    for (const auto& send : sends) {
      out_ << json::serialize(describe(proactive::view_of(send), form_.texts)) << '\n';
    }
    return;
  }
  Table::Row headings{"HANDLE", "DUE (UTC)", "", "ORDER KEY", "KIND", "ATTEMPTS"};
  std::vector<Table::Row> lines;
  for (const auto& record : sends) {
    const auto send = proactive::view_of(record);
    lines.push_back({send.handle.to_string(), utc_text(send.due), relative_text(send.due, now()), send.order_key,
                     kind_text(send), std::to_string(send.attempts)});
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
      out_ << json::serialize(describe(proactive::view_of(dead), form_.texts)) << '\n';
    }
    return;
  }
  Table::Row headings{"HANDLE", "DIED (UTC)", "", "ORDER KEY", "KIND", "ATTEMPTS", "REASON"};
  std::vector<Table::Row> lines;
  for (const auto& record : sends) {
    const auto dead = proactive::view_of(record);
    lines.push_back({dead.handle.to_string(), utc_text(dead.died), relative_text(dead.died, now()), dead.order_key,
                     kind_text(dead), std::to_string(dead.attempts), dead.reason});
    if (with_text) {
      lines.back().push_back(message_text(dead));
    }
  }
  if (with_text) {
    headings.emplace_back("TEXT");
  }
  table(std::move(headings)).print(std::move(lines));
}

template <class Send>
void Printer::show(const char* state, const Send& send) {
  if (!form_.json) {
    Fields fields{{"state", state}};
    auto others = fields_of(send, form_.texts, now());
    fields.insert(fields.end(), std::move_iterator(others.begin()), std::move_iterator(others.end()));
    print(fields);
    return;
  }
  json::object shown;
  shown["state"] = state;
  for (auto& field : describe(send, form_.texts)) {
    shown[field.key()] = std::move(field.value());
  }
  out_ << json::serialize(shown) << '\n';
}

void Printer::one(const ScheduledSend& send) {
  show("pending", proactive::view_of(send));
}

void Printer::one(const DeadSend& dead) {
  show("dead", proactive::view_of(dead));
}

void Printer::counts(const SendCounts& counts) {
  if (form_.json) {
    out_ << json::serialize(app::to_json(counts)) << '\n';
  } else {
    print(fields_of(counts, now()));
  }
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

void Printer::print(const Fields& fields) {
  std::size_t widest = 0;
  for (const auto& [name, value] : fields) {
    widest = std::max(widest, name.size());
  }
  for (const auto& [name, value] : fields) {
    // Whoever asked to see one message sees all of it.
    out_ << name << std::string(widest + 2 - name.size(), ' ') << printable(value, std::string::npos) << '\n';
  }
}

Table& Printer::table(Table::Row headings) {
  if (!table_) {
    table_.emplace(out_, std::move(headings));
  }
  return *table_;
}

}  // namespace tern::tools
