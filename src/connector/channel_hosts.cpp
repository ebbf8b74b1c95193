#include "connector/channel_hosts.hpp"

#include <array>

namespace tern::connector {

namespace {

struct ChannelHost {
  std::string_view cloud;
  std::string_view host;
};

constexpr std::array channel_hosts{
    ChannelHost{"public", "*.botframework.com"},
    ChannelHost{"public", "smba.trafficmanager.net"},
    ChannelHost{"public", "smba.onyx.prod.teams.trafficmanager.net"},
    ChannelHost{"public", "smba.infra.gcc.teams.microsoft.com"},
    ChannelHost{"gcc_high", "*.botframework.us"},
    ChannelHost{"gcc_high", "*.botframework.azure.us"},
    ChannelHost{"gcc_high", "smba.infra.gov.teams.microsoft.us"},
    ChannelHost{"dod", "*.botframework.us"},
    ChannelHost{"dod", "*.botframework.azure.us"},
    ChannelHost{"dod", "smba.infra.dod.teams.microsoft.us"},
    ChannelHost{"china", "*.botframework.azure.cn"},
    ChannelHost{"china", "frontend.botapi.msg.infra.teams.microsoftonline.cn"},
};

}  // namespace

void add_channel_hosts(net::AllowedHosts& hosts, std::string_view cloud) {
  for (const auto& one : channel_hosts) {
    if (one.cloud == cloud) {
      hosts.add_public(one.host);
    }
  }
}

}  // namespace tern::connector
