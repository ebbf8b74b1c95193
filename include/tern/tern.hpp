#pragma once

/// @file
/// All of Tern that a bot needs.

#include <tern/app/run.hpp>
#include <tern/async/log.hpp>
#include <tern/async/metrics.hpp>
#include <tern/async/offload.hpp>
#include <tern/async/timer.hpp>
#include <tern/async/with_timeout.hpp>
#include <tern/http/http_client.hpp>
#include <tern/schema/activity.hpp>
#include <tern/turn/activity_handler.hpp>
#include <tern/turn/channel_inlet.hpp>
#include <tern/turn/channel_sender.hpp>
#include <tern/turn/function_bot.hpp>
#include <tern/turn/state.hpp>
#include <tern/turn/user_time_zone.hpp>
