#include "auth/secret_file.hpp"

#include "support/temporary_folder.hpp"

#include <sys/stat.h>

#include <tern/error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace tern::auth {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string refusal_of_file(const std::string& file) {
  try {
    (void)read_secret_line("bot.app_password_file", file);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), errc::invalid_argument);
    return e.what();
  }
  ADD_FAILURE() << file << " was read";
  return {};
}

TEST(SecretFile, BlanksAndLineEndsAroundASecretAreNoPartOfIt) {
  const tern::test::TemporaryFolder folder;
  const std::string file = (folder.path() / "secret").string();
  std::ofstream(file) << " \thunter 2~\r\n\n";
  EXPECT_EQ(read_secret_line("key", file), "hunter 2~");
  EXPECT_EQ(read_secret_file("key", file), " \thunter 2~\r\n\n");
}

TEST(SecretFile, WhatCannotBeReadIsToldWithItsKeyAndItsName) {
  const tern::test::TemporaryFolder folder;
  EXPECT_THAT(refusal_of_file((folder.path() / "none").string()),
              AllOf(HasSubstr("bot.app_password_file, "), HasSubstr("/none, cannot be read: No such file")));
  EXPECT_THAT(refusal_of_file(folder.path().string()), HasSubstr("is no regular file"));
  const std::string pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal_of_file(pipe), HasSubstr("is no regular file")) << "nobody waits for a writer";
  const std::string empty = (folder.path() / "empty").string();
  std::ofstream(empty) << "\n \n";
  EXPECT_THAT(refusal_of_file(empty), HasSubstr("is empty"));
  const std::string large = (folder.path() / "large").string();
  std::ofstream(large) << std::string(std::size_t{64} * 1024 + 1, 'x');
  EXPECT_THAT(refusal_of_file(large), HasSubstr("has more than 64 KiB"));
}

TEST(SecretFile, ASecretThatStandsInThePlaceOfAFileIsNotTold) {
  EXPECT_THAT(refusal_of_file("hunter2~Q8"),
              AllOf(HasSubstr("bot.app_password_file cannot be read"), Not(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace tern::auth
