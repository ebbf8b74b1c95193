#include "auth/caller_id.hpp"

namespace tern::auth {

std::string_view caller_id_of(const Identity& caller, const Cloud& cloud, std::string& memory) {
  if (caller.kind != Identity::Kind::emulator && !caller.tenant_id.empty()) {
    memory = "urn:botframework:aadappid:" + caller.app_id;
    return memory;
  }
  return cloud.caller_id;
}

}  // namespace tern::auth
