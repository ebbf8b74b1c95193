// The call of Endpoint that brings files.

#include "direct_line/account.hpp"
#include "direct_line/attachment_types.hpp"
#include "direct_line/endpoint.hpp"
#include "direct_line/multipart.hpp"
#include "direct_line/refusal.hpp"
#include "http/ascii.hpp"
#include "http/client_group.hpp"
#include "storage/storable_text.hpp"
#include "turn/same_activity.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace tern::direct_line {

namespace {

constexpr std::size_t max_files = 20;
constexpr std::size_t max_parts_of_form = 64;  // so that one file too many is counted as one
constexpr std::string_view activity_type_of_part = "application/vnd.microsoft.activity";

// The attachment of the activity that a file belongs to, or a new one at the end.
json::object& attachment_of(json::array& attachments, const std::string& name) {
  for (auto& each : attachments) {
    auto* attachment = each.if_object();
    const auto* known = attachment != nullptr ? attachment->if_contains("name") : nullptr;
    if (known != nullptr && known->is_string() && known->get_string() == name && !attachment->contains("contentUrl")) {
      return *attachment;
    }
  }
  return attachments.emplace_back(json::object{{"name", name}}).get_object();
}

// Stands for the files of an upload: an activity that comes again may have other files.
std::string digest_of(const std::vector<UploadedFile>& files) {
  tern::detail::WideHash hash;
  for (const auto& file : files) {
    hash.add(file.name);
    hash.add(file.type);
    hash.add(file.content);
  }
  return '/' + std::to_string(hash.high()) + '/' + std::to_string(hash.low());
}

[[noreturn]] void refuse_files(FileShares::Full full) {
  const char* why = "There is no room for more files (limits.direct_line_uploads).";
  if (full == FileShares::Full::of_conversation) {
    why = "This conversation has no room for more files (limits.direct_line_conversation_uploads).";
  } else if (full == FileShares::Full::of_client) {
    why = "This address has no room for more files (limits.direct_line_address_uploads).";
  }
  throw Refusal(429, "TooManyRequests", why, std::chrono::minutes(1));
}

[[noreturn]] void refuse_type(std::string_view type) {
  constexpr std::size_t longest = 100;
  const bool is_told = type.size() <= longest && tern::detail::is_storable_text(type);
  throw Refusal(
      400, "UnsupportedAttachment",
      (is_told ? "Files of the type " + std::string(type) : std::string("Files of this type")) +
          " are not taken. The limits of Web Chat in Tern's documentation (web-chat.md) list those that are.");
}

bool is_activity(const Part& part) {
  const auto type = part.content_type.substr(0, std::min(part.content_type.find(';'), part.content_type.size()));
  const auto end = type.find_last_not_of(" \t");
  return end != std::string_view::npos && http::same_text(type.substr(0, end + 1), activity_type_of_part);
}

json::array& attachments_in(json::object& activity) {
  auto* found = activity.if_contains("attachments");
  if (found == nullptr || !found->is_array()) {
    activity["attachments"] = json::array();
  }
  return activity.at("attachments").get_array();
}

}  // namespace

awaitable<http::HttpResponse> Endpoint::upload(http::HttpRequest& request, std::string id) {
  auto caller = all_.access_->caller_of(request, id);
  check_rate(caller, request);
  auto user = query_value(request.query(), "userId");
  check_user_id(user);
  const auto head = co_await open_head(id);
  auto form = read_form(request);
  if (!form.activity.contains("from") && !user.empty()) {
    form.activity["from"] = json::object{{"id", user}};
  }
  auto incoming = check_incoming(form.activity, caller, head, id);  // before anything is kept
  const auto key = incoming.key.empty() ? std::string() : incoming.key + digest_of(form.files);
  const auto bytes = json::serialize(incoming.fields).size();
  if (is_known_post(head, key)) {  // its files are kept already
    incoming.key = key;
    incoming.must_be_known = true;
    try {
      const auto known = co_await bring(caller, id, std::move(incoming));
      co_return answer_with_id(known);
    } catch (const ForgottenPost&) {
      // Others have pushed its key out meanwhile, so it is as one that is new.
    }
  }
  take_bytes(caller, request, bytes);
  FileOwner owner{id, caller.has_secret ? "" : all_.access_->stand_in_for(http::client_group(request.peer()))};
  auto given = co_await keep_files(std::move(form), std::move(owner), url_of(request, "http", "/attachments/"));
  incoming = check_incoming(std::move(given), caller, head, id);
  incoming.key = key;
  const auto made = co_await bring(std::move(caller), std::move(id), std::move(incoming));
  co_return answer_with_id(made);
}

// Long: each part of the body.
Endpoint::Form Endpoint::read_form(http::HttpRequest& request) const {
  const auto parts = read_multipart(request.header("content-type").value_or(""), request.body(), max_parts_of_form);
  if (!parts) {
    refuse_argument(parts.error());
  }
  Form form{json::object{{"type", "message"}}, {}};
  std::size_t bytes = 0;
  for (const auto& part : *parts) {
    if (is_activity(part)) {
      if (part.content.size() > all_.options_.bounds.message) {
        throw Refusal(413, "MessageSizeTooBig", "The activity is larger than limits.direct_line_message.");
      }
      form.activity = object_in(part.content, false);
      continue;
    }
    if (form.files.size() == max_files) {
      throw Refusal(413, "MessageSizeTooBig", "A message has at most 20 files.");
    }
    const auto type = attachment_type(part.content_type);
    if (!type) {
      refuse_type(part.content_type);
    }
    if (!tern::detail::is_storable_text(part.file_name)) {
      refuse_argument("The name of a file is no UTF-8.");
    }
    bytes += part.content.size();
    form.files.push_back({attachment_name(part.file_name), std::string(*type), std::string(part.content)});
  }
  if (form.files.empty()) {
    throw Refusal(400, "MissingProperty", "The body has no file. Send an activity without files to /activities.");
  }
  if (bytes > all_.options_.bounds.upload) {
    throw Refusal(413, "MessageSizeTooBig", "The files are larger than limits.direct_line_upload.");
  }
  return form;
}

awaitable<json::object> Endpoint::keep_files(Form form, FileOwner owner, std::string base) {
  auto room = all_.uploads_.take_room(form.files, std::move(owner));
  if (!room) {
    refuse_files(room.error());
  }
  auto& attachments = attachments_in(form.activity);
  for (auto& file : form.files) {
    auto& attachment = attachment_of(attachments, file.name);
    attachment["contentType"] = file.type;
    const auto name = percent_encoded(file.name);
    const auto id = co_await all_.uploads_.keep(std::move(file), *room, storage_deadline());
    attachment["contentUrl"] = std::string(base).append(id).append("/").append(name);
  }
  co_return std::move(form.activity);
}

}  // namespace tern::direct_line
