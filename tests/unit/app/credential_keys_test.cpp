#include "app/credential_keys.hpp"

#include <tern/app/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tern::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string identified = "bot.app_id=b0700000-0000-4000-8000-000000000001";

CommandLine load_assignments(const std::vector<std::string>& assignments) {
  std::vector<const char*> words{"bot", "--print-config"};
  for (const auto& assignment : assignments) {
    words.push_back("--set");
    words.push_back(assignment.c_str());
  }
  return load_config(static_cast<int>(words.size()), words.data(), {}, Environment());
}

std::string wrong_with(const std::vector<std::string>& assignments) {
  try {
    load_assignments(assignments);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST(CredentialKeys, OneKindOfCredentialIsEnough) {
  for (const std::vector<std::string>& set :
       {std::vector<std::string>{"bot.app_password=x"},
        {"bot.app_password_file=/run/secrets/x"},
        {"bot.certificate=a.pem", "bot.certificate_key=a.pem"},
        {"bot.managed_identity=b0700000-0000-4000-8000-000000000001"},
        {"bot.managed_identity=b0700000-0000-4000-8000-000000000001", "bot.managed_identity_url=http://10.0.0.1/token"},
        {"bot.federated_token_file=/var/run/secrets/token"}}) {
    auto with_id = set;
    with_id.push_back(identified);
    EXPECT_EQ(wrong_with(with_id), "no error") << set.front();
    EXPECT_THAT(wrong_with(set), AllOf(HasSubstr("is set, but bot.app_id is not"), Not(HasSubstr("x,"))))
        << set.front();
    EXPECT_NE(credential_kind(load_assignments(with_id).settings.bot), nullptr);
  }
  EXPECT_EQ(credential_kind(load_assignments({identified}).settings.bot), nullptr);
}

TEST(CredentialKeys, TwoKindsAreRefusedByName) {
  EXPECT_THAT(wrong_with({identified, "bot.app_password=hunter2", "bot.app_password_file=/a"}),
              AllOf(HasSubstr("bot.app_password and bot.app_password_file are both set"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(wrong_with({identified, "bot.certificate=a", "bot.certificate_key=a",
                          "bot.managed_identity=b0700000-0000-4000-8000-000000000001"}),
              HasSubstr("bot.certificate and bot.managed_identity are both set"));
}

TEST(CredentialKeys, HalfACredentialIsRefused) {
  EXPECT_THAT(wrong_with({identified, "bot.certificate=a"}),
              HasSubstr("bot.certificate is set, but bot.certificate_key is not"));
  EXPECT_THAT(wrong_with({identified, "bot.certificate_key=a"}),
              HasSubstr("bot.certificate_key is set, but bot.certificate is not"));
  EXPECT_THAT(wrong_with({identified, "bot.managed_identity_url=http://10.0.0.1/"}),
              HasSubstr("bot.managed_identity_url is set, but bot.managed_identity is not"));
}

TEST(CredentialKeys, AManagedIdentityIsTheBot) {
  EXPECT_THAT(wrong_with({identified, "bot.managed_identity=b0700000-0000-4000-8000-00000000000f"}),
              AllOf(HasSubstr("but bot.app_id is"), HasSubstr("User-Assigned Managed Identity")));
  EXPECT_EQ(wrong_with({identified, "bot.managed_identity=B0700000-0000-4000-8000-000000000001"}), "no error");
}

TEST(CredentialKeys, ValuesOfAnotherFormAreRefused) {
  EXPECT_THAT(wrong_with({identified, "bot.managed_identity=me"}), HasSubstr("allowed is a GUID"));
  for (const char* url : {"ftp://10.0.0.1/", "http://10.0.0.1/?a=b", "10.0.0.1", "http://a b/"}) {
    EXPECT_THAT(wrong_with({identified, std::string("bot.managed_identity_url=") + url}),
                HasSubstr("bot.managed_identity_url (--set)"))
        << url;
  }
}

TEST(CredentialKeys, AKeyThatStandsWhereItsFileBelongsIsNotTold) {
  for (const char* key :
       {"bot.certificate", "bot.certificate_key", "bot.app_password_file", "bot.federated_token_file"}) {
    const auto error = wrong_with({identified, std::string(key) + "=-----BEGIN PRIVATE KEY-----\nMIIhunter2"});
    EXPECT_THAT(error, AllOf(HasSubstr(std::string(key) + " (--set)"), HasSubstr("allowed is the name of a file"),
                             Not(HasSubstr("hunter2"))));
  }
}

TEST(CredentialKeys, TheSecretIsMaskedAndNamesOfFilesAreShown) {
  const auto command = load_assignments({identified, "bot.app_password=hunter2"});
  EXPECT_THAT(command.text + command.note,
              AllOf(HasSubstr("\"bot.app_password\": \"***\""), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(load_assignments({identified, "bot.app_password_file=/run/secrets/x"}).text,
              HasSubstr("\"bot.app_password_file\": \"/run/secrets/x\""));
}

}  // namespace
}  // namespace tern::app
