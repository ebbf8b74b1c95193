#include "async/describe_error.hpp"

namespace tern::detail {

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const system_error& e) {
    return tern::message_of(e);
  } catch (...) {
    return describe(error);
  }
}

bool has_code(const std::exception_ptr& error, const error_code& code) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (const system_error& e) {
    return e.code() == code;
  } catch (...) {
    return false;
  }
}

}  // namespace tern::detail
