#include "binary_array.hpp"
#include "lane_work.hpp"
#include "result_fields.hpp"

#include <algorithm>

namespace tern::detail::pg {

namespace {

// `field`: before the eTag, which the document follows.
StoreItem item_of(std::string key, pqxx::row::const_iterator& field) {
  auto etag = text_of(++field);
  return {std::move(key), text_of(++field), std::move(etag)};
}

// The first string after all that begin with `prefix`; "" when there is none.
std::string end_of(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') {
    prefix.pop_back();
  }
  if (!prefix.empty()) {
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  }
  return prefix;
}

pqxx::binarystring bytes_parameter(const std::string& bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

SteadyTime cut_time(SteadyTime earliest_deadline, const PostgresOptions& options) {
  constexpr std::chrono::milliseconds patience{500};
  constexpr std::chrono::seconds grace{1};
  const auto now = std::chrono::steady_clock::now();
  return std::clamp<SteadyTime>(earliest_deadline, now + patience, now + options.statement_timeout + grace);
}

std::exception_ptr came_too_late() {
  return std::make_exception_ptr(
      Error(errc::timed_out,
            "The deadline had passed before the Postgres storage could begin: it was busy with what came before."));
}

void Reader::serve(ReadLane::Batch batch) {
  std::vector<ReadLane::Ticket*> reads;
  std::vector<ReadLane::Ticket*> others;
  reads.reserve(batch.size());
  for (auto& ticket : batch) {
    const auto& request = ticket.request;
    counters_.reads += request.work ? 0 : 1;
    (request.scan || request.work ? others : reads).push_back(&ticket);
  }
  if (!reads.empty()) {
    read(std::move(reads));
  }
  for (auto* ticket : others) {
    serve_in_time(*ticket, options_, [&](SteadyTime cut_at) { return answer(ticket->request, cut_at); });
  }
}

ReadAnswer Reader::answer(const ReadRequest& request, SteadyTime cut_at) {
  if (request.work) {
    request.work(session_, cut_at);
    return {};
  }
  return scan(*request.scan, cut_at);
}

void Reader::read(std::vector<ReadLane::Ticket*> tickets) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  auto by = SteadyTime::max();
  for (const auto* ticket : tickets) {
    count += ticket->request.keys.size();
    for (const auto& key : ticket->request.keys) {
      bytes += key.size();
    }
    by = std::min(by, ticket->request.by);
  }
  BinaryArray keys(ElementType::bytea, count, bytes);
  for (const auto* ticket : tickets) {
    for (const auto& key : ticket->request.keys) {
      keys.add(key);
    }
  }
  try {
    const auto result = session_.execute(statements_.read, {keys.parameter()}, cut_time(by, options_));
    ++counters_.read_batches;
    hand_out(tickets, result);
  } catch (const Failure& failure) {
    const auto error = error_for(failure, false);
    for (auto* ticket : tickets) {
      ticket->fail(error);
    }
  }
}

void Reader::hand_out(const std::vector<ReadLane::Ticket*>& tickets, const pqxx::result& result) {
  // Positions count from 1 and ascend, through all keys of all reads.
  auto row = result.begin();
  const auto end = result.end();
  std::size_t first = 1;
  for (auto* ticket : tickets) {
    auto& asked = ticket->request.keys;
    ReadAnswer answer;
    answer.items = std::move(ticket->request.found);
    for (; row != end; ++row) {
      auto field = row.begin();
      const auto position = static_cast<std::size_t>(number_of(field));
      if (position >= first + asked.size()) {
        break;
      }
      answer.items.add(item_of(std::move(asked.at(position - first)), field));
    }
    first += asked.size();
    ticket->succeed(std::move(answer));
  }
}

ReadAnswer Reader::scan(const StoreScan& query, SteadyTime cut_at) {
  // Strictly after a key is from the key with a NUL appended: there is nothing between.
  const auto from = !query.after.empty() && query.after >= query.prefix ? query.after + '\0' : query.prefix;
  const auto end = end_of(query.prefix);
  std::string limit;
  append_binary(limit, static_cast<std::int64_t>(query.limit + 1));
  Session::Parameters parameters{bytes_parameter(from)};
  if (!end.empty()) {
    parameters.push_back(bytes_parameter(end));
  }
  parameters.push_back(bytes_parameter(limit));
  const auto result =
      session_.execute(end.empty() ? statements_.scan_to_the_end : statements_.scan, parameters, cut_at);
  ++counters_.read_batches;

  ReadAnswer answer;
  const auto count = std::min<std::size_t>(result.size(), query.limit);
  answer.page.items.reserve(count);
  auto row = result.begin();
  for (std::size_t i = 0; i < count; ++i, ++row) {
    auto field = row.begin();
    auto key = from_hex(field);
    answer.page.items.push_back(item_of(std::move(key), field));
  }
  if (result.size() > count) {
    answer.page.next = answer.page.items.back().key;
  }
  return answer;
}

}  // namespace tern::detail::pg
