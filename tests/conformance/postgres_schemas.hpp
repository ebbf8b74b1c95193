#pragma once

#include "support/postgres_server.hpp"

#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tern::conformance {

/// The server that the tests were given; nullptr when they have to start one.
inline const char* given_server() {
  return std::getenv("TERN_TEST_POSTGRES");
}

/// The server that was named, or one of this program's own, and the schemas that tests have made there; they are
/// dropped when the program ends.
class Schemas : public ::testing::Environment {
 public:
  /// Starts the server when it is first asked for: those who only want the names of the tests need none.
  std::string server() {
    if (given_server() != nullptr) {
      return given_server();
    }
    if (!own_) {
      own_ = std::make_unique<test::PostgresServer>();
    }
    return own_->url();
  }

  std::string make() {
    static std::random_device random;
    names_.push_back("tern_test_" + std::to_string(random()) + "_" + std::to_string(random()));
    return names_.back();
  }

  void TearDown() override {
    own_.reset();
    if (names_.empty() || given_server() == nullptr) {
      return;
    }
    pqxx::connection connection(given_server());
    const pqxx::quiet_errorhandler quiet(connection);
    pqxx::nontransaction work(connection);
    for (const auto& name : names_) {
      work.exec("DROP SCHEMA IF EXISTS " + name + " CASCADE");
    }
  }

 private:
  std::vector<std::string> names_;
  std::unique_ptr<test::PostgresServer> own_;
};

inline Schemas& schemas() {
  // GoogleTest owns it.
  static auto* const all = static_cast<Schemas*>(::testing::AddGlobalTestEnvironment(new Schemas));
  return *all;
}

}  // namespace tern::conformance
