#include "auth/cloud.hpp"

#include <algorithm>
#include <array>

namespace tern::auth {

namespace {

// Long: a table.
const std::array<Cloud, 4>& clouds() {
  static const std::array<Cloud, 4> all{
      Cloud{"public",
            "https://api.botframework.com",
            "https://login.botframework.com/v1/.well-known/openidconfiguration",
            "https://login.microsoftonline.com/",
            "https://sts.windows.net/",
            "5a807f24-c9de-44ee-a3a7-329e88a00ffc",
            "urn:botframework:azure",
            {"d6d49420-f39b-4df7-a1dc-d59a935871db", "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
             "69e9b82d-4842-4902-8d1e-abc5b98a55e8"},
            "botframework.com"},
      Cloud{"gcc_high",
            "https://api.botframework.us",
            "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            "https://login.microsoftonline.us/",
            "https://sts.windows.net/",
            "6f669b9e-7701-4e2b-b624-82c9207fde26",
            "urn:botframework:azureusgov",
            {"cab8a31a-1906-4287-a0d8-4eef66b95f6e"},
            "MicrosoftServices.onmicrosoft.us"},
      Cloud{"dod",
            "https://api.botframework.us",
            "https://login.botframework.azure.us/v1/.well-known/openidconfiguration",
            "https://login.microsoftonline.us/",
            "https://sts.windows.net/",
            "0a069c81-8c7c-4712-886b-9c542d673ffb",
            "urn:botframework:azureusgov",
            {"cab8a31a-1906-4287-a0d8-4eef66b95f6e"},
            "MicrosoftServices.onmicrosoft.us"},
      Cloud{"china",
            "https://api.botframework.azure.cn",
            "https://login.botframework.azure.cn/v1/.well-known/openidconfiguration",
            "https://login.partner.microsoftonline.cn/",
            "https://sts.chinacloudapi.cn/",
            "bd004c8e-5acf-4c48-8570-4e7d46b2f63b",
            "",
            {},
            "microsoftservices.partner.onmschina.cn"}};
  return all;
}

}  // namespace

const Cloud* cloud_of(std::string_view name) noexcept {
  const auto& all = clouds();
  const auto* found = std::find_if(all.begin(), all.end(), [&](const Cloud& cloud) { return cloud.name == name; });
  return found != all.end() ? found : nullptr;
}

}  // namespace tern::auth
