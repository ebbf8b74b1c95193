#include "direct_line/attachment_types.hpp"
#include "direct_line/multipart.hpp"
#include "direct_line/uploads.hpp"
#include "support/failing_storage.hpp"
#include "unit/direct_line/store.hpp"

#include <gtest/gtest.h>

namespace tern::direct_line {
namespace {

using namespace std::chrono_literals;

const std::string form = "multipart/form-data; boundary=----b";

TEST(Multipart, HasTheParts) {
  const std::string nul(1, '\0');
  const std::string body =
      "------b\r\nContent-Disposition: form-data; name=\"activity\"; filename=\"blob\"\r\n"
      "Content-Type: application/vnd.microsoft.activity\r\n\r\n{\"type\":\"message\"}\r\n"
      "------b\r\ncontent-disposition: form-data; name=file; filename=\"a \\\"b\\\" %22c%22;=.png\"\r\n"
      "Content-Type: image/png\r\n\r\n\r\n--" +
      nul + "--b\r\n\r\n------b--\r\nepilogue";
  const auto parts = read_multipart(form, body, 10);
  ASSERT_TRUE(parts) << parts.error();
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "activity");
  EXPECT_EQ((*parts)[0].content, "{\"type\":\"message\"}");
  EXPECT_EQ((*parts)[1].name, "file");
  EXPECT_EQ((*parts)[1].file_name, "a \"b\" \"c\";=.png");
  EXPECT_EQ((*parts)[1].content_type, "image/png");
  EXPECT_EQ((*parts)[1].content, "\r\n--" + nul + "--b\r\n");
}

TEST(Multipart, MayHaveAPreambleAndEmptyParts) {
  const auto parts = read_multipart("Multipart/Form-Data; charset=utf-8; boundary=\"x y\"",
                                    "preamble\r\n--x y\r\n\r\nbare\r\n--x y  \r\nA: b\r\n\r\n\r\n--x y--", 10);
  ASSERT_TRUE(parts) << parts.error();
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].content, "bare");
  EXPECT_EQ((*parts)[1].content, "");
}

TEST(Multipart, ThatIsNoneIsRefused) {
  const auto is_refused = [](const std::string& type, const std::string& body) {
    return !read_multipart(type, body, 3).has_value();
  };
  EXPECT_TRUE(is_refused("application/json", "------b\r\n\r\nx\r\n------b--"));
  EXPECT_TRUE(is_refused("multipart/form-data", "------b\r\n\r\nx\r\n------b--"));
  EXPECT_TRUE(is_refused("multipart/form-data; boundary=", "--\r\n\r\nx\r\n----"));
  EXPECT_TRUE(is_refused("multipart/form-data; boundary=" + std::string(71, 'b'), ""));
  EXPECT_TRUE(is_refused(form, ""));
  EXPECT_TRUE(is_refused(form, "something"));
  EXPECT_TRUE(is_refused(form, "------b"));
  EXPECT_TRUE(is_refused(form, "------b\r\n"));
  EXPECT_TRUE(is_refused(form, "------b\r\nA: b\r\n\r\nx"));
  EXPECT_TRUE(is_refused(form, "------b\r\nA: b\r\n------b--"));
  EXPECT_TRUE(is_refused(form, "------b\r\n------b--"));
  EXPECT_TRUE(
      is_refused(form, "------b\r\n\r\n1\r\n------b\r\n\r\n2\r\n------b\r\n\r\n3\r\n------b\r\n\r\n4\r\n------b--"));
  EXPECT_TRUE(is_refused(form, "------b\r\nA: " + std::string(9000, 'x') + "\r\n\r\nx\r\n------b--"));
}

TEST(Multipart, CutAnywhereIsRefusedAndNeverReadBeyond) {
  const std::string body = "------b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx\r\n------b--";
  for (std::size_t size = 0; size < body.size(); ++size) {
    const std::string cut = body.substr(0, size);
    EXPECT_FALSE(read_multipart(form, cut, 3)) << size;
  }
}

TEST(AttachmentTypes, AreThoseThatRunNothing) {
  EXPECT_EQ(attachment_type("IMAGE/PNG; q=1"), "image/png");
  EXPECT_EQ(attachment_type(""), "application/octet-stream");
  for (const char* bad : {"text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "text/javascript",
                          "application/javascript", "application/x-shockwave-flash", "text/css", "x"}) {
    EXPECT_FALSE(attachment_type(bad)) << bad;
  }
  for (const char* good :
       {"application/x-zip-compressed", "application/x-gzip", "application/gzip", "application/x-tar",
        "application/x-7z-compressed", "application/vnd.rar", "audio/x-wav", "audio/wave", "audio/x-m4a", "audio/mp4",
        "audio/mp3", "audio/flac", "video/quicktime", "image/heic", "image/heif", "application/rtf", "text/rtf"}) {
    EXPECT_EQ(attachment_type(good), good) << "browsers send it";
  }
  EXPECT_TRUE(is_shown("image/png"));
  EXPECT_FALSE(is_shown("application/pdf"));
  EXPECT_FALSE(is_shown("text/plain"));
}

TEST(AttachmentNames, HaveNoFoldersAndNoControlCharacters) {
  EXPECT_EQ(attachment_name("a.png"), "a.png");
  EXPECT_EQ(attachment_name("../../etc/passwd"), "passwd");
  EXPECT_EQ(attachment_name("C:\\x\\y.txt"), "y.txt");
  EXPECT_EQ(attachment_name("a\r\nSet-Cookie: x\"y"), "aSet-Cookie: xy");
  EXPECT_EQ(attachment_name(".."), "file");
  EXPECT_EQ(attachment_name(""), "file");
  EXPECT_EQ(attachment_name(std::string(127, 'x') + "\xC3\xBC"), std::string(127, 'x')) << "no half characters";
  EXPECT_EQ(percent_encoded("a b/ü'\".png"), "a%20b%2F%C3%BC%27%22.png");
}

class UploadsTest : public testing::Test {
 protected:
  ManualClock clock;
  AnyStorage store = test::memory_store(clock);
  Uploads uploads{store, FileBounds{1'000'000, 1'000'000, 1'000'000}, 1h, clock};

  std::optional<std::string> keep(std::string content) { return keep(uploads, std::move(content), {}); }
  static std::optional<std::string> keep(Uploads& into, std::string content, const FileOwner& owner) {
    std::vector<UploadedFile> files;
    files.push_back({"a.png", "image/png", std::move(content)});
    auto room = into.take_room(files, owner);
    if (!room) {
      return std::nullopt;
    }
    return tern::test::run(into.keep(std::move(files.front()), *room, Deadline::never()));
  }
  std::optional<UploadedFile> find(const std::string& id) {
    const auto found = tern::test::run(uploads.find(id, Deadline::never()));
    if (!found) {
      return std::nullopt;
    }
    UploadedFile file{found->name, found->type, {}};
    for (std::size_t i = 0; auto piece = tern::test::run(uploads.piece(id, i, Deadline::never())); ++i) {
      file.content += *piece;
    }
    EXPECT_EQ(found->size, file.content.size());
    return file;
  }
  static void sweep(Uploads& all, std::string after = {}) {
    do {
      after = tern::test::run(all.sweep(std::move(after), Deadline::never()));
    } while (!after.empty());
  }
};

TEST_F(UploadsTest, KeepFilesOfAnySize) {
  for (const std::size_t size : {0UL, 1UL, 196'608UL, 196'609UL, 400'000UL}) {
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
      content[i] = static_cast<char>(i * 7 + size);
    }
    const auto id = keep(content);
    ASSERT_TRUE(id) << size;
    const auto file = find(*id);
    ASSERT_TRUE(file) << size;
    EXPECT_EQ(file->content, content);
    EXPECT_EQ(file->name, "a.png");
    EXPECT_EQ(file->type, "image/png");
  }
  EXPECT_FALSE(find(test::some_id));
}

TEST_F(UploadsTest, AreBoundedAndMakeRoomWithTheirAge) {
  const auto id = keep(std::string(900'000, 'x'));
  EXPECT_FALSE(keep(std::string(100'001, 'x')));
  EXPECT_TRUE(keep(std::string(100'000, 'x')));
  Uploads of_next_process(store, FileBounds{1'000'000, 1'000'000, 1'000'000}, 1h, clock);
  EXPECT_EQ(of_next_process.bytes(), 0U);
  sweep(of_next_process);
  EXPECT_EQ(of_next_process.bytes(), 1'000'000U);
  clock.advance(1h + 1s);
  EXPECT_FALSE(find(*id));
  sweep(uploads);
  EXPECT_EQ(uploads.bytes(), 0U);
  EXPECT_TRUE(keep(std::string(1'000'000, 'x')));
}

TEST_F(UploadsTest, OfOneOwnerLeaveRoomForOthers) {
  const FileBounds bounds{1'000'000, 300'000, 500'000};
  Uploads shared(store, bounds, 1h, clock);
  const std::string content(200'000, 'x');
  EXPECT_TRUE(keep(shared, content, {"c1", "a1"}));
  EXPECT_FALSE(keep(shared, content, {"c1", "a2"})) << "the conversation has its share";
  EXPECT_TRUE(keep(shared, content, {"c2", "a1"}));
  EXPECT_FALSE(keep(shared, content, {"c3", "a1"})) << "the address has its share";
  EXPECT_TRUE(keep(shared, content, {"c3", "a2"}));
  Uploads of_next_process(store, bounds, 1h, clock);
  sweep(of_next_process);
  EXPECT_EQ(of_next_process.bytes(), 600'000U);
  EXPECT_FALSE(keep(of_next_process, content, {"c3", "a3"})) << "the shares are those of the files in the store";
  EXPECT_FALSE(keep(of_next_process, content, {"c4", "a1"}));
  EXPECT_TRUE(keep(of_next_process, content, {"c4", "a2"}));
  clock.advance(1h + 1s);
  sweep(of_next_process);
  EXPECT_TRUE(keep(of_next_process, content, {"c1", "a1"}));
}

TEST(FileSharesTest, CountWhatASweepMayHaveMissed) {
  FileShares shares({100, 100, 100});
  EXPECT_FALSE(shares.take({"c", "a"}, 10));
  shares.begin_count();
  shares.count({"c", "a"}, 10);
  EXPECT_FALSE(shares.take({"c", "a"}, 20));
  shares.end_count();
  EXPECT_EQ(shares.bytes(), 30U);
  EXPECT_EQ(shares.take({"c", ""}, 71), FileShares::Full::of_conversation);
  EXPECT_EQ(shares.take({"d", "a"}, 71), FileShares::Full::of_client);
  EXPECT_EQ(shares.take({"d", "b"}, 71), FileShares::Full::all);
  EXPECT_FALSE(shares.take({"d", "b"}, 70));
}

TEST(FileSharesTest, GiveBackWhatIsNotKeptWhereItWasCounted) {
  const FileOwner owner{"c", "a"};
  for (const int counts : {0, 1, 2}) {  // that begin after the files were taken
    for (const bool last_ends : {false, true}) {
      FileShares shares({100, 100, 100});
      shares.begin_count();
      const auto begun = shares.counts_begun();
      EXPECT_FALSE(shares.take(owner, 60));
      for (int i = 0; i < counts; ++i) {
        shares.end_count();
        shares.begin_count();
      }
      EXPECT_FALSE(shares.take(owner, 10));
      if (last_ends) {
        shares.end_count();
      }
      shares.give_back(owner, 60, begun);
      EXPECT_EQ(shares.bytes(), 10U) << counts << last_ends;
      EXPECT_FALSE(shares.take(owner, 90)) << "all of it, for each owner";
      EXPECT_TRUE(shares.take(owner, 1));
      if (!last_ends) {
        shares.end_count();
      }
      EXPECT_EQ(shares.bytes(), 100U) << counts << last_ends;
    }
  }
}

TEST_F(UploadsTest, CountOnceWhatComesDuringASweepThatSeesIt) {
  Uploads large(store, FileBounds{100'000'000, 100'000'000, 100'000'000}, 1h, clock);
  std::size_t files = 0;
  for (; files < 250; ++files) {  // more than a page
    ASSERT_TRUE(keep(large, "", {}));
  }
  auto after = tern::test::run(large.sweep("", Deadline::never()));
  ASSERT_NE(after, "");
  clock.advance(1s);
  const auto first_page_ends = after.substr(after.rfind('/') + 1);
  for (std::string id; id <= first_page_ends; ++files) {
    const auto kept = keep(large, "", {});
    ASSERT_TRUE(kept);
    id = *kept;
  }
  sweep(large, std::move(after));
  EXPECT_EQ(large.bytes(), 4096U * files);
  sweep(large);
  EXPECT_EQ(large.bytes(), 4096U * files);
}

TEST_F(UploadsTest, GiveBackTheRoomOfWhatWasNotWritten) {
  for (const bool is_written : {false, true}) {
    auto faults = std::make_shared<tern::test::StorageFaults>();
    Uploads at_risk(AnyStorage::make<tern::test::FailingStorage>(clock, faults), FileBounds{30'000, 30'000, 30'000}, 1h,
                    clock);
    const FileOwner owner{"c", "a"};
    std::vector<UploadedFile> files(3, UploadedFile{"a.png", "image/png", std::string(10'000, 'x')});
    {
      auto room = at_risk.take_room(files, owner);
      ASSERT_TRUE(room);
      EXPECT_EQ(at_risk.take_room(files, owner).error(), FileShares::Full::of_conversation);
      (void)tern::test::run(at_risk.keep(files[0], *room, Deadline::never()));
      faults->writes_fail = !is_written;
      faults->written = [] {
        throw_error(errc::timed_out, "nobody knows whether it is written");
        return awaitable<void>();
      };
      EXPECT_THROW((void)tern::test::run(at_risk.keep(files[1], *room, Deadline::never())), system_error);
    }
    EXPECT_EQ(at_risk.bytes(), is_written ? 20'000U : 10'000U);
    sweep(at_risk);
    EXPECT_EQ(at_risk.bytes(), is_written ? 20'000U : 10'000U);
  }
}

TEST_F(UploadsTest, CountEmptyFilesToo) {
  ASSERT_TRUE(keep(""));
  EXPECT_EQ(uploads.bytes(), 4096U);
  sweep(uploads);
  EXPECT_EQ(uploads.bytes(), 4096U);
  int kept = 1;
  while (keep("")) {
    ++kept;
  }
  EXPECT_EQ(kept, 1'000'000 / 4096);
}

awaitable<void> damage_record(AnyStorage store, std::string id, std::string record) {
  StoreChanges changes;
  changes.upserts.emplace_back("direct-line/f/" + id, std::move(record));
  (void)co_await store.write(std::move(changes), Deadline::never());
}

awaitable<std::size_t> count_records(AnyStorage store) {
  StoreScan files("direct-line/", 1000);
  const auto page = co_await store.scan(std::move(files), Deadline::never());
  co_return page.items.size();
}

TEST_F(UploadsTest, WithADamagedRecordAreRemovedWithAllPieces) {
  for (const char* record :
       {"{}", R"({"name":1,"type":"t","size":2,"at":3})", R"({"name":"n","type":"t","size":-1,"at":3})"}) {
    const auto id = keep(std::string(900'000, 'x'));
    const auto beside = keep("y");
    ASSERT_TRUE(id && beside);
    tern::test::run(damage_record(store, *id, record));
    EXPECT_FALSE(find(*id)) << record;
    sweep(uploads);
    EXPECT_EQ(uploads.bytes(), 4096U) << record;
    EXPECT_EQ(tern::test::run(count_records(store)), 2U) << record;
    EXPECT_TRUE(find(*beside)) << record;
    clock.advance(1h + 1s);
    sweep(uploads);
    EXPECT_EQ(tern::test::run(count_records(store)), 0U) << record;
  }
}

TEST_F(UploadsTest, WithManyPiecesAreRemovedWithAll) {
  Uploads large(store, FileBounds{10'000'000, 10'000'000, 10'000'000}, 1h, clock);
  ASSERT_TRUE(keep(large, std::string(4'000'000, 'x'), {}));
  clock.advance(1h + 1s);
  sweep(large);
  EXPECT_EQ(tern::test::run(count_records(store)), 0U);
}

}  // namespace
}  // namespace tern::direct_line
