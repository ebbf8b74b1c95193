#include "http/plain_lines.hpp"

#include "http/request_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace tern::http {
namespace {

/// What is left of a head for Beast, and the fields that were taken.
struct Rest {
  explicit Rest(std::string_view text) : head(text) {
    const auto taken = take_plain_lines(std::span(head.data(), head.size()), request);
    head.erase(0, taken);
  }
  std::string value_of(std::string_view name) const {
    return std::string(request.only_header(name).value_or("(none)"));
  }

  std::string head;
  Request request;
};

TEST(PlainLines, AreTakenAndTheOthersStayInTheirOrder) {
  const Rest rest(
      "POST /a HTTP/1.1\r\nAccept: */*\r\nHost: x\r\nAuthorization: Bearer abc\r\nX_1-b:\t two words \t\r\n"
      "content-length: 2\r\nEmpty:\r\nBlank:  \r\nExpect: 100-continue\r\n\r\nhi");
  EXPECT_EQ(rest.head, "POST /a HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\nExpect: 100-continue\r\n\r\nhi");
  EXPECT_EQ(rest.value_of("Accept"), "*/*");
  EXPECT_EQ(rest.value_of("authorization"), "Bearer abc");
  EXPECT_EQ(rest.value_of("x_1-B"), "two words");
  EXPECT_EQ(rest.value_of("Empty"), "");
  EXPECT_EQ(rest.value_of("Blank"), "");
  EXPECT_EQ(rest.value_of("Host"), "(none)") << "Beast has not read it yet";
}

TEST(PlainLines, ThoseThatOthersHaveToKnowAreNotTaken) {
  for (const char* name : {"Host", "HOST", "Expect", "Upgrade", "Connection", "Proxy-Connection", "Content-Length",
                           "content-length", "Content-Encoding", "Transfer-Encoding", "transfer-ENCODING"}) {
    const auto text = "GET / HTTP/1.1\r\n" + std::string(name) + ": x\r\n\r\n";
    EXPECT_EQ(Rest(text).head, text);
  }
}

TEST(PlainLines, AHeadThatIsNotPlainIsLeftAsItIs) {
  const std::string long_value(100, 'v');
  for (const std::string& lines : {std::string("A: b\r\n"),                    // not whole
                                   std::string("A: b\r\n\r"),                  //
                                   std::string("A: b\n\r\n"),                  // a bare line feed
                                   std::string("A: b\r\n c\r\n\r\n"),          // continued
                                   std::string("A: b\r\n\tc\r\n\r\n"),         //
                                   std::string("A : b\r\n\r\n"),               // a blank before the colon
                                   std::string("A\r\n\r\n"),                   // no colon
                                   std::string(": b\r\n\r\n"),                 // no name
                                   std::string("A.b: c\r\n\r\n"),              // Beast knows whether that is a name
                                   std::string("A: b\rc\r\n\r\n"),             // controls, near the beginning
                                   std::string("A: b\r\r\n\r\n"),              //
                                   "A: " + long_value + "\r" + "\r\n\r\n",     // and far from it
                                   "A: " + long_value + "\x7f" + "z\r\n\r\n",  //
                                   "A: \x01" + long_value + "\r\n\r\n",        //
                                   "A: " + std::string(1, '\0') + "\r\n\r\n",  //
                                   "A: \t" + long_value + "\x1f\r\n\r\n",      // beside a tab
                                   "A: \xff" + long_value + "\x7f\r\n\r\n",    // and beside a byte beyond ASCII
                                   "A: b\r\nB: " + std::string(1, '\v') + "\r\n\r\n"}) {
    const auto text = "GET / HTTP/1.1\r\nFirst: 1\r\n" + lines;
    const Rest rest(text);
    EXPECT_EQ(rest.head, text);
    EXPECT_EQ(rest.value_of("First"), "(none)") << lines;
  }
  for (const std::string& text : {std::string(), std::string("\n"), std::string("\r\n"), std::string("GET / HTTP/1.1"),
                                  std::string("GET / HTTP/1.1\nA: b\r\n\r\n"), std::string("\r\n\r\n")}) {
    EXPECT_EQ(Rest(text).head, text);
  }
}

TEST(PlainLines, AHeadOfVeryManyLinesIsLeftAsItIs) {
  std::string text = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 31; ++i) {
    text += "A: b\r\n";
  }
  EXPECT_EQ(Rest(text + "\r\n").head, "GET / HTTP/1.1\r\n\r\n");
  text += "A: b\r\n";
  EXPECT_EQ(Rest(text + "\r\n").head, text + "\r\n");
}

TEST(PlainLines, MayHaveBytesBeyondAsciiAndTabs) {
  EXPECT_EQ(Rest("GET / HTTP/1.1\r\nA: \xc3\xa4\xff\x80 a\tb\r\n\r\n").value_of("A"), "\xc3\xa4\xff\x80 a\tb");
}

/// What a reader says of a request that comes in pieces of this size. Byte by byte, Beast reads all of a head.
std::string read_in_pieces(std::string_view text, std::size_t piece, std::size_t limit) {
  RequestReader reader({.header = limit, .body = 1000});
  const std::size_t text_size = text.size();
  auto step = RequestReader::Step::need_input;
  while (!text.empty() && step == RequestReader::Step::need_input) {
    const auto room = reader.prepare();
    const auto size = std::min({piece, text.size(), room.size()});
    std::copy_n(text.begin(), size, room.begin());
    text.remove_prefix(size);
    reader.commit(size);
    step = reader.parse();
  }
  if (step == RequestReader::Step::refused) {
    // With several things wrong, it depends on the pieces which one is found.
    return limit > text_size ? "refused " + std::to_string(static_cast<int>(reader.rejection())) : "refused";
  }
  std::string outcome = step == RequestReader::Step::complete ? "complete" : "waits";
  if (step == RequestReader::Step::complete) {
    outcome += reader.keep_alive() ? " keeps " : " closes ";
    outcome.append(reader.request().path()).append(" ").append(reader.request().body());
    for (const char* name : {"Host", "A", "B", "Authorization", "Content-Length", "Expect"}) {
      outcome.append("\n").append(reader.request().header(name).value_or("(none)"));
      outcome.append(" ").append(reader.request().only_header(name).value_or("(none or two)"));
    }
  }
  return outcome;
}

TEST(PlainLines, ARequestIsTheSameAsWithoutThem) {
  const std::string token(2000, 't');
  for (const char* first :
       {"POST /p HTTP/1.1\r\n", "POST /p HTTP/1.2\r\n", "POST /p HTTP/2.0\r\n", "POST  /p HTTP/1.1\r\n",
        "GET /p HTTP/1.0\r\n", "\r\n\r\nGET http://h/p HTTP/1.1\r\n", "G\x01T / HTTP/1.1\r\n"}) {
    for (const std::string& lines :
         {std::string(), std::string("Host: x\r\n"), "Host: x\r\nAuthorization: Bearer " + token + "\r\n",
          "Authorization: Bearer " + token + "\r\nHost: x\r\nContent-Length: 2\r\n",
          std::string("A: 1\r\nHost: x\r\na: 2\r\nConnection: close\r\n"), std::string("Host: x\r\nHost: y\r\n"),
          std::string("Host: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n"), std::string("Host: x\r\nA : b\r\n"),
          std::string("Host: x\r\nA:b\r\n folded\r\n"), std::string("Host: x\r\nA: \x02\r\n"),
          std::string("A: b\r\nHost: x\r\nTransfer-Encoding: gzip\r\n"), std::string("Host: x\r\nExpect: other\r\n"),
          std::string("Host: x\r\nB: 1\r\nContent-Encoding: gzip\r\n"),
          std::string("Host: x\r\nContent-Length: -1\r\n"),
          std::string("Host: x\r\nA: b\r\nUpgrade: websocket\r\nConnection: upgrade\r\n")}) {
      const auto text = first + lines + "\r\nhi";
      for (const std::size_t limit : {std::size_t{8000}, text.size() - 2, text.size() - 3, std::size_t{60}}) {
        EXPECT_EQ(read_in_pieces(text, text.size(), limit), read_in_pieces(text, 1, limit)) << text << limit;
      }
    }
  }
}

}  // namespace
}  // namespace tern::http
