#include "http/describe.hpp"

#include <tern/error.hpp>

#include <boost/core/demangle.hpp>

#include <typeinfo>

namespace tern::http {

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const system_error& e) {
    return e.code().message();
  } catch (const std::exception& e) {
    return boost::core::demangle(typeid(e).name());
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace tern::http
