#include <tern/schema/activity.hpp>

int main() {
  const auto activity = tern::Activity::message("Hello from outside");
  return activity.text() == "Hello from outside" ? 0 : 1;
}
