#include "field_text.hpp"

#include "failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace tern::detail::pg {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string id_text = "01020304-0506-0708-090a-0b0c0d0e0f10";

template <class Read>
std::string refusal_of(Read read) {
  try {
    (void)read();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), FailureKind::refused);
    return failure.what();
  }
  return "it is read";
}

SendFields fields_of_send() {
  SendFields fields;
  fields.fill("0");
  fields[0] = "63";
  fields[2] = id_text;
  fields[8] = "1";
  return fields;
}

// Arrays have a place for each slot.
TEST(FieldText, ASlotIsOneThatExists) {
  EXPECT_EQ(slot_in("63"), 63);
  for (const FieldText& odd : {FieldText("64"), FieldText("-1"), FieldText("65536"), FieldText()}) {
    EXPECT_THAT(refusal_of([&] { return slot_in(odd); }), HasSubstr("for a slot, which is from 0 to 63"));
  }
  EXPECT_THAT(refusal_of([] { return slot_in("4711"); }), HasSubstr("the server sent \"4711\""));
}

TEST(FieldText, AnIdHas32Digits) {
  EXPECT_EQ(id_in(id_text), id_in("0102030405060708090a0b0c0d0e0f10"));
  for (const auto& odd : {id_text.substr(1), id_text + "1", "x" + id_text, id_text + "x", std::string()}) {
    EXPECT_THAT(refusal_of([&] { return id_in(odd); }), HasSubstr("for the id of a send")) << odd;
  }
}

TEST(FieldText, BytesAreInHexadecimalDigits) {
  EXPECT_EQ(bytes_in_hex("00ff41"), std::string("\0\xff\x41", 3));
  EXPECT_EQ(bytes_in_hex(std::nullopt), "");
  for (const char* odd : {"0", "00f", "0g", "FF", " 00"}) {
    EXPECT_THAT(refusal_of([&] { return bytes_in_hex(odd); }), HasSubstr("hexadecimal")) << odd;
  }
}

TEST(FieldText, ASendIsOfAKindThatExists) {
  auto fields = fields_of_send();
  EXPECT_EQ(send_in(fields).kind, SendKind::continuation);
  fields[8] = "2";
  EXPECT_THAT(refusal_of([&] { return send_in(fields); }), AllOf(HasSubstr("\"2\""), HasSubstr("the kind of a send")));
}

TEST(FieldText, WhatIsNullIsAbsent) {
  auto fields = fields_of_send();
  EXPECT_TRUE(send_in(fields).expires);
  fields[10] = fields[17] = std::nullopt;
  EXPECT_FALSE(send_in(fields).expires);
  EXPECT_EQ(send_in(fields).annotations, "");
  EXPECT_EQ(number_in(std::nullopt), 0);
}

TEST(FieldText, OfALongFieldTheBeginningIsShown) {
  EXPECT_LT(refusal_of([] { return id_in(std::string(10'000, '1')); }).size(), 200U);
}

}  // namespace
}  // namespace tern::detail::pg
