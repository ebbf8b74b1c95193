#include <tern/error.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace {

using tern::errc;

constexpr errc all_codes[] = {errc::overloaded,
                              errc::timed_out,
                              errc::shutting_down,
                              errc::proactive_disabled,
                              errc::conflict,
                              errc::storage_unavailable,
                              errc::not_found,
                              errc::channel_unreachable,
                              errc::channel_rejected,
                              errc::service_url_refused,
                              errc::unknown_continuation,
                              errc::invalid_argument,
                              errc::address_refused};

TEST(Error, EachCodeHasAMessageOfItsOwn) {
  std::set<std::string> messages;
  for (errc code : all_codes) {
    const tern::error_code error = code;
    EXPECT_TRUE(error.failed());
    EXPECT_STREQ(error.category().name(), "tern");
    EXPECT_NE(error.message().find("; "), std::string::npos) << error.message() << " does not say what to do";
    EXPECT_TRUE(messages.insert(error.message()).second) << error.message();
  }
}

TEST(Error, AnUnknownValueIsNamed) {
  EXPECT_EQ(tern::error_category().message(4711), "unknown error 4711");
}

TEST(Error, CodesCompareWithTheEnumAndAcrossCategories) {
  const tern::error_code error = errc::conflict;
  EXPECT_EQ(error, errc::conflict);
  EXPECT_NE(error, errc::timed_out);
  EXPECT_NE(error, boost::system::errc::make_error_code(static_cast<boost::system::errc::errc_t>(error.value())));
}

TEST(Error, ThrowErrorCarriesCodeAndMessage) {
  try {
    tern::throw_error(errc::not_found, "no send 'x'");
    FAIL() << "nothing was thrown";
  } catch (const tern::system_error& error) {
    EXPECT_EQ(error.code(), errc::not_found);
    EXPECT_STREQ(error.what(), "no send 'x'");
  }
}

TEST(Error, SaysWhatWasWrongOnce) {
  for (errc code : all_codes) {
    const tern::Error error(code, "It is off. Switch it on.");
    const tern::system_error& base = error;
    EXPECT_STREQ(base.what(), "It is off. Switch it on.");
    EXPECT_EQ(tern::message_of(base), "It is off. Switch it on.");
    const tern::Error copy = error;
    EXPECT_STREQ(copy.what(), error.what());
  }
}

TEST(Error, TheMessageOfBoostsOwnIsWithoutItsCode) {
  const tern::system_error error(tern::make_error_code(tern::errc::conflict), "two wrote");
  EXPECT_EQ(tern::message_of(error), "two wrote");
}

}  // namespace
