// Slow work in the background, several tasks at once, and a word that cancels them.

#include "long_task_bot.hpp"

int main(int argc, char** argv) {
  return tern::run<LongTaskBot>(argc, argv, {{"proactive.enabled", true}});  // what is done later is sent proactively
}
