#include "app/content_type.hpp"

#include <gtest/gtest.h>

namespace tern::app {
namespace {

TEST(ContentType, IsJsonInUtf8) {
  for (const auto* good :
       {"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
        " application/json ; Charset = utf-8 ", "application/json; odata=verbose", "application/json;"}) {
    EXPECT_TRUE(is_json_content_type(good)) << good;
  }
  for (const auto* bad : {"", "text/plain", "application/jsonx", "application/json; charset=latin1",
                          "application/json; charset=iso-8859-1", "application/x-www-form-urlencoded", "application",
                          "application/json; odata=verbose; charset=utf-16"}) {
    EXPECT_FALSE(is_json_content_type(bad)) << bad;
  }
}

}  // namespace
}  // namespace tern::app
