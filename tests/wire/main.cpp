// The bot behind the captures as a program: what a test from outside runs and replays them against.

#include "wire/wire_bot.hpp"

int main(int argc, char** argv) {
  return tern::run<tern::wire::WireBot>(argc, argv, {{"proactive.enabled", true}});
}
