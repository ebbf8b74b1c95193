#include "auth/caller_id.hpp"

namespace tern::auth {

std::string own_caller_id_of(const Identity& caller) {
  return "urn:botframework:aadappid:" + caller.app_id;
}

}  // namespace tern::auth
