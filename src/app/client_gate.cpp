#include "app/client_gate.hpp"

#include "http/client_group.hpp"

namespace tern::app {

ClientGate::Place::Place(ClientGate& gate, std::string_view client)
    : gate_(&gate), client_(gate.limit_ == 0 ? std::string() : http::client_group(client)) {
  if (!gate.enter(client_)) {
    gate_ = nullptr;
  }
}

ClientGate::Place::~Place() {
  if (gate_ != nullptr) {
    gate_->leave(client_);
  }
}

bool ClientGate::enter(const std::string& client) {
  if (limit_ == 0) {
    return true;
  }
  const std::lock_guard lock(mutex_);
  auto& count = under_way_[client];
  if (count >= limit_) {
    return false;
  }
  ++count;
  return true;
}

void ClientGate::leave(const std::string& client) noexcept {
  if (limit_ == 0) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const auto found = under_way_.find(client);
  if (found != under_way_.end() && --found->second == 0) {
    under_way_.erase(found);
  }
}

}  // namespace tern::app
