#include "sorted_writes.hpp"

#include <rocksdb/env.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern::detail::rocks {
namespace {

using testing::ElementsAre;

/// What a batch does, in its order: the family's number, `+` or `-`, and the key.
class Reader final : public rocksdb::WriteBatch::Handler {
 public:
  rocksdb::Status PutCF(std::uint32_t family, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    seen.push_back(std::to_string(family) + "+" + key.ToString() + "=" + value.ToString());
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(std::uint32_t family, const rocksdb::Slice& key) override {
    seen.push_back(std::to_string(family) + "-" + key.ToString());
    return rocksdb::Status::OK();
  }
  std::vector<std::string> seen;
};

class SortedWritesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.env = memory_.get();
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, "/db", &opened).ok());
    db_.reset(opened);
    ASSERT_TRUE(db_->CreateColumnFamily(rocksdb::ColumnFamilyOptions(), "one", &one).ok());
    ASSERT_TRUE(db_->CreateColumnFamily(rocksdb::ColumnFamilyOptions(), "two", &two).ok());
  }
  void TearDown() override {
    for (auto* family : {one, two}) {
      ASSERT_TRUE(db_->DestroyColumnFamilyHandle(family).ok());
    }
  }
  std::vector<std::string> moved() {
    rocksdb::WriteBatch batch;
    writes.move_to(batch);
    Reader reader;
    EXPECT_TRUE(batch.Iterate(&reader).ok());
    return reader.seen;
  }

  std::unique_ptr<rocksdb::Env> memory_{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* one = nullptr;
  rocksdb::ColumnFamilyHandle* two = nullptr;
  SortedWrites writes;
};

TEST_F(SortedWritesTest, ComeByFamilyAndKey) {
  writes.put(two, "b", "1");
  writes.put(one, "a long key, 2", "2");
  writes.remove(one, "a long key, 1");
  writes.put(one, "a long", "3");
  writes.put(one, std::string_view("a\0", 2), "4");
  writes.put(one, "a", "5");
  writes.put(one, "\xFF", "6");
  writes.put(two, "", "7");
  EXPECT_THAT(moved(), ElementsAre("1+a=5", std::string("1+a\0=4", 6), "1+a long=3", "1-a long key, 1",
                                   "1+a long key, 2=2", "1+\xFF=6", "2+=7", "2+b=1"));
  EXPECT_TRUE(writes.empty());
}

TEST_F(SortedWritesTest, OfTwoWritesOfOneKeyTheLaterStaysTheLater) {
  writes.remove(one, "same");
  writes.put(one, "other", "1");
  writes.put(one, "same", "2");
  EXPECT_THAT(moved(), ElementsAre("1+other=1", "1-same", "1+same=2"));
  writes.put(one, "same", "3");
  writes.remove(one, "same");
  EXPECT_THAT(moved(), ElementsAre("1+same=3", "1-same"));
}

TEST_F(SortedWritesTest, WhatWasClearedIsForgotten) {
  writes.put(one, "a", "1");
  writes.clear();
  writes.put(one, "b", "2");
  EXPECT_THAT(moved(), ElementsAre("1+b=2"));
}

}  // namespace
}  // namespace tern::detail::rocks
