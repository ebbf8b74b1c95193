#pragma once

#include "net/allowed_hosts.hpp"

#include <string_view>

namespace tern::connector {

/// Adds the hosts at which the channels of a cloud take messages. `cloud`: `public` (also for GCC), `gcc_high`, `dod`
/// or `china`. Nothing is added for another name.
///
/// Everybody can have a name below trafficmanager.net, so only those of the channels' own services are added.
/// Source: "Service URL Validation" of the Teams SDK; `TeamsServiceEndpoints` of the Agents SDK; the hosts of Direct
/// Line and the other channels stand below the domain of their cloud's Bot Framework.
void add_channel_hosts(net::AllowedHosts& hosts, std::string_view cloud);

}  // namespace tern::connector
