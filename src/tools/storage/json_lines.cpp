#include "tools/storage/json_lines.hpp"

#include "tools/storage/tool_error.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tern::tools {

namespace {

namespace json = boost::json;

constexpr std::string_view format_name = "tern-storage";
constexpr std::int64_t format_version = 1;

std::optional<json::value> parsed(const std::string& text, std::size_t depth) {
  json::parse_options options;
  options.max_depth = depth;
  boost::system::error_code error;
  auto value = json::parse(text, error, {}, options);
  if (error) {
    return std::nullopt;
  }
  return value;
}

// A document is one level deeper in its line.
constexpr std::size_t document_depth = 64;
constexpr std::size_t line_depth = document_depth + 1;

/// `"name":"text"`, or `"name_hex":"..."` for what JSON cannot hold.
std::string text_member(const std::string& name, const std::string& text) {
  const auto quoted = json::serialize(json::string(text));
  const auto back = parsed(quoted, line_depth);
  if (back && back->is_string() && back->as_string() == text) {
    return "\"" + name + "\":" + quoted;
  }
  return "\"" + name + "_hex\":\"" + to_hex(text) + "\"";
}

std::optional<std::string> read_text(const json::object& object, const std::string& name) {
  if (const auto* text = object.if_contains(name); text != nullptr && text->is_string()) {
    return std::string(text->as_string());
  }
  if (const auto* hex = object.if_contains(name + "_hex"); hex != nullptr && hex->is_string()) {
    return from_hex(std::string(hex->as_string()));
  }
  return std::nullopt;
}

ParsedLine parse_header(const json::object& object) {
  if (object.at("format") != json::value(format_name) || !object.contains("version")) {
    throw ToolError("it is no export of tern-storage");
  }
  if (object.at("version") != json::value(format_version)) {
    throw ToolError("its version is " + json::serialize(object.at("version")) + "; this tern-storage reads version 1");
  }
  ParsedLine line;
  line.kind = ParsedLine::Kind::header;
  return line;
}

ParsedLine parse_end(const json::value& end) {
  ParsedLine line;
  line.kind = ParsedLine::Kind::end;
  try {
    const auto& totals = end.as_object();
    line.totals.documents = totals.at("documents").to_number<std::uint64_t>();
    line.totals.bytes = totals.at("bytes").to_number<std::uint64_t>();
    line.totals.sha256 = totals.at("sha256").as_string().c_str();
  } catch (const std::exception&) {
    throw ToolError("its totals are not complete");
  }
  return line;
}

}  // namespace

bool is_json(const std::string& text) {
  return parsed(text, document_depth).has_value();
}

std::string header_line() {
  json::object object;
  object["format"] = format_name;
  object["version"] = format_version;
  return json::serialize(object);
}

std::string end_line(const Totals& totals) {
  json::object figures;
  figures["documents"] = totals.documents;
  figures["bytes"] = totals.bytes;
  figures["sha256"] = totals.sha256;
  json::object object;
  object["end"] = std::move(figures);
  return json::serialize(object);
}

std::string document_line(const std::string& key, const std::string& document) {
  auto line = "{" + text_member("key", key) + ",";
  const auto value = parsed(document, document_depth);
  if (value && json::serialize(*value) == document) {
    line += "\"document\":" + document;
  } else {
    line += text_member("text", document);
  }
  return line + "}";
}

ParsedLine parse_line(const std::string& line) {
  const auto value = parsed(line, line_depth);
  if (!value || !value->is_object()) {
    throw ToolError("it is no JSON object");
  }
  const auto& object = value->as_object();
  if (object.contains("format")) {
    return parse_header(object);
  }
  if (const auto* end = object.if_contains("end")) {
    return parse_end(*end);
  }
  ParsedLine found;
  auto key = read_text(object, "key");
  if (!key || key->empty() || key->size() > max_key_bytes) {
    throw ToolError("its \"key\" is missing, or has not 1 to 1024 bytes");
  }
  found.key = std::move(*key);
  if (const auto* document = object.if_contains("document")) {
    found.document = json::serialize(*document);
    return found;
  }
  auto text = read_text(object, "text");
  if (!text) {
    throw ToolError("it has no \"document\"");
  }
  found.document = std::move(*text);
  return found;
}

}  // namespace tern::tools
