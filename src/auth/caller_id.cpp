#include "auth/caller_id.hpp"

namespace tern::auth {

std::string caller_id_of(const Identity& caller, const Cloud& cloud) {
  if (caller.kind != Identity::Kind::emulator && !caller.tenant_id.empty()) {
    return "urn:botframework:aadappid:" + caller.app_id;
  }
  return std::string(cloud.caller_id);
}

}  // namespace tern::auth
