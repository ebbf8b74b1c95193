// Reminds people of what they ask it to, in their time zone, also after it was restarted in between.

#include "reminder_bot.hpp"

int main(int argc, char** argv) {
  return tern::run<ReminderBot>(argc, argv, {{"proactive.enabled", true}});
}
