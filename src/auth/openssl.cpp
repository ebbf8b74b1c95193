#include "auth/openssl.hpp"

#include <openssl/err.h>

namespace tern::auth {

NoErrorsLeft::NoErrorsLeft() noexcept {
  ERR_set_mark();
}

NoErrorsLeft::~NoErrorsLeft() {
  ERR_pop_to_mark();
}

}  // namespace tern::auth
