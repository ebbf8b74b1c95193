#include "tools/storage/transfer.hpp"

#include "app/without_secrets.hpp"
#include "fake_store.hpp"
#include "tools/storage/json_lines.hpp"
#include "tools/storage/progress.hpp"
#include "tools/storage/store_spec.hpp"

#include <tern/async/manual_clock.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

namespace tern::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Transfer : public ::testing::Test {
 protected:
  std::string exported() {
    std::ostringstream out;
    test::run(export_lines(from.store(), out, progress));
    return out.str();
  }
  Totals imported(const std::string& text, bool overwrite = false) {
    std::istringstream in(text);
    return test::run(import_lines(in, to.store(), ImportOptions{overwrite}, progress));
  }

  FakeStore from;
  FakeStore to;
  Progress progress;
};

TEST_F(Transfer, WhatIsExportedComesBackToTheByte) {
  from.fill(2500);
  from.put("blanks", "{ \"a\" : 1 }\n");
  from.put("numbers", "[1.0,1e3,-0,1E400,0.1,12345678901234567890123]");
  from.put("twice", R"({"a":1,"a":2})");
  from.put("umlaut \xc3\xa4 \" \\ \n", "\"\xf0\x9f\x98\x80\"");
  from.put("no json", "hello");
  from.put("empty", "");
  from.put("not utf-8", "\"\xff\xfe\"");
  from.put("\xff\xfe key", "{}");
  from.put("deep", std::string(64, '[') + std::string(64, ']'));
  from.put("deeper", std::string(2000, '['));
  from.put(std::string("a\0b", 3), std::string("\"a\0b\"", 5));
  const auto text = exported();
  const auto totals = imported(text);
  EXPECT_EQ(to.all(), from.all());
  EXPECT_EQ(totals.documents, 2511U);
  std::istringstream again(text);
  EXPECT_EQ(check_lines(again), totals);
}

TEST_F(Transfer, ADocumentIsReadable) {
  EXPECT_EQ(document_line("k", R"({"messages":3})"), R"({"key":"k","document":{"messages":3}})");
  EXPECT_EQ(document_line("k", "{ }"), R"({"key":"k","text":"{ }"})");
  EXPECT_EQ(document_line("\xff", "\xff"), R"({"key_hex":"ff","text_hex":"ff"})");
}

TEST_F(Transfer, AFileThatWasCutShortIsRefused) {
  from.fill(20);
  const auto text = exported();
  const auto last = text.rfind('\n', text.size() - 2);
  EXPECT_THAT(error_of([&] { imported(text.substr(0, last + 1)); }), HasSubstr("cut short"));
  EXPECT_THAT(error_of([&] { imported(text.substr(0, last - 3), true); }), HasSubstr("Line 21"));
}

TEST_F(Transfer, AFileThatWasChangedIsRefused) {
  from.fill(20);
  auto text = exported();
  text.replace(text.find("\"messages\":7"), 12, "\"messages\":8");
  std::istringstream in(text);
  EXPECT_THAT(error_of([&] { check_lines(in); }), HasSubstr("changed or damaged"));
}

TEST_F(Transfer, TakesLinesThatSomebodyWroteByHand) {
  EXPECT_EQ(imported("{\"key\":\"a\",\"document\":{}}\n\n{\"key\":\"b\",\"text\":\"x\"}").documents, 2U);
  EXPECT_EQ(to.all().at("b"), "x");
}

TEST_F(Transfer, NamesTheLineThatIsWrong) {
  const std::string good = "{\"key\":\"a\",\"document\":{}}\n";
  EXPECT_THAT(error_of([&] { imported(good + "{\"key\":"); }), HasSubstr("Line 2"));
  EXPECT_THAT(error_of([&] { imported("{\"document\":{}}", true); }), AllOf(HasSubstr("Line 1"), HasSubstr("key")));
  EXPECT_THAT(error_of([&] { imported("{\"key\":\"x\"}", true); }), HasSubstr("document"));
  EXPECT_THAT(error_of([&] { imported("{\"key_hex\":\"f\",\"document\":1}", true); }), HasSubstr("hexadecimal"));
  EXPECT_THAT(error_of([&] { imported("{\"format\":\"tern-storage\",\"version\":2}", true); }), HasSubstr("version 1"));
  EXPECT_THAT(error_of([&] { imported("{\"key\":\"/tern-storage/x\",\"document\":1}", true); }), HasSubstr("belong"));
}

TEST_F(Transfer, ImportsIntoAnEmptyStoreOrOverwrites) {
  to.put("a", "1");
  to.put("c", "3");
  const std::string lines = "{\"key\":\"a\",\"document\":2}\n{\"key\":\"b\",\"document\":2}\n";
  EXPECT_THAT(error_of([&] { imported(lines); }), HasSubstr("--overwrite"));
  imported(lines, true);
  EXPECT_EQ(to.all(), (std::map<std::string, std::string>{{"a", "2"}, {"b", "2"}, {"c", "3"}}));
}

TEST_F(Transfer, AKeyThatComesTwiceIsRefusedUnlessTheLaterOneShallWin) {
  const std::string lines = "{\"key\":\"a\",\"document\":1}\n{\"key\":\"a\",\"document\":2}\n";
  EXPECT_THAT(error_of([&] { imported(lines); }), HasSubstr("twice"));
  imported(lines, true);
  EXPECT_EQ(to.all().at("a"), "2");
}

TEST_F(Transfer, AFullDiskIsTold) {
  from.fill(1);
  std::ofstream full("/dev/full");
  EXPECT_THAT(error_of([&] { test::run(export_lines(from.store(), full, progress)); }), HasSubstr("disk full"));
}

TEST_F(Transfer, CheckFindsNothingInASoundStore) {
  from.fill(1500);
  const auto report = test::run(check(from.store(), progress));
  EXPECT_EQ(report.problems, 0U);
  EXPECT_EQ(report.totals.documents, 1500U);
}

TEST_F(Transfer, CheckNamesWhatIsWrong) {
  from.fill(30);
  from.put("text", "hello");
  from.after_scan = [](StorePage& page) {
    if (page.items.size() > 3) {
      std::swap(page.items[1], page.items[2]);
    }
  };
  from.after_read = [](StoreItems& items) {
    StoreItems changed;
    for (const auto& item : items) {
      if (item.key.ends_with("u20")) {
        changed.add(StoreItem(item.key, "{}", item.etag));
      } else if (!item.key.ends_with("u21")) {
        changed.add(item);
      }
    }
    items = changed;
  };
  const auto report = test::run(check(from.store(), progress));
  EXPECT_EQ(report.problems, 4U);
  const auto all = testing::PrintToString(report.first);
  EXPECT_THAT(all, AllOf(HasSubstr("text\\\" is no JSON"), HasSubstr("does not come after"),
                         HasSubstr("u20\\\" reads otherwise"), HasSubstr("u21\\\" is found by a scan")));
}

TEST(StoreSpec, ForgetsPasswords) {
  EXPECT_EQ(app::without_password("postgresql://u:secret@h:1/d?a=b"), "postgresql://u@h:1/d?a=b");
  EXPECT_EQ(app::without_password("postgresql://u@h/d?password=secret&a=b"), "postgresql://u@h/d?&a=b");
  EXPECT_EQ(app::without_password("host=h password='se cret' user=u"), "host=h  user=u");
  EXPECT_EQ(app::without_password("postgresql://u:s@ec:ret@h/d"), "postgresql://u@h/d");
}

TEST(StoreSpec, SaysWhatItTakes) {
  EXPECT_THAT(error_of([] { parse_store("memory"); }), HasSubstr("nothing to open from outside"));
  EXPECT_THAT(error_of([] { parse_store("mysql://u:secret@h/d"); }),
              AllOf(HasSubstr("rocksdb:PATH"), Not(HasSubstr("secret"))));
}

std::string shown(bool terminal) {
  std::FILE* file = std::tmpfile();
  ManualClock clock;
  {
    ConsoleProgress progress(file, terminal, clock);
    progress.begin("copying", 256);
    for (int i = 0; i < 256; ++i) {
      clock.advance(std::chrono::milliseconds(50));
      progress.advance(1000);
    }
    progress.end();
  }
  std::string text(100'000, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

TEST(ConsoleProgress, ShowsABarOnATerminalAndLinesElsewhere) {
  EXPECT_THAT(shown(true), AllOf(HasSubstr("\rcopying: [###############...............] 50%"), HasSubstr("100%")));
  const auto lines = shown(false);
  EXPECT_THAT(lines, AllOf(Not(HasSubstr("\r")), HasSubstr("copying: 256 of 256 documents, 0.3 MB, ")));
  EXPECT_LE(std::count(lines.begin(), lines.end(), '\n'), 4);
}

}  // namespace
}  // namespace tern::tools
