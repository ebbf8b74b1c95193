#include <tern/storage/any_storage.hpp>

namespace tern::detail {

void throw_no_schedule(std::string_view backend) {
  throw_error(errc::invalid_argument, "The storage \"" + std::string(backend) +
                                          "\" keeps no schedule, so nothing can be sent later from it. Choose a "
                                          "backend that does, for example memory, or keep the schedule in another.");
}

}  // namespace tern::detail
