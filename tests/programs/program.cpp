#include "programs/program.hpp"

#include "support/raw_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <stdexcept>

namespace tern::test {

namespace {

constexpr int patience_ms = 60'000;

[[noreturn]] void become(const std::vector<std::string>& words, const Program::Variables& variables, int out, int err) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  for (const auto& [name, value] : variables) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  std::vector<char*> pointers;
  for (const auto& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  ::execv(pointers[0], pointers.data());
  ::_exit(127);
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2 failed");
  }
  return ends;
}

std::vector<std::string> bot_words(std::vector<std::string> settings) {
  std::vector<std::string> words{TERN_STATE_BOT, "--set", "listen.port=0", "--set", "listen.threads=2"};
  for (auto& setting : settings) {
    words.emplace_back("--set");
    words.push_back(std::move(setting));
  }
  return words;
}

}  // namespace

Program::Program(std::vector<std::string> words, Variables variables) : name_(words.front()) {
  const auto out = make_pipe();
  const auto err = make_pipe();
  pid_ = ::fork();
  if (pid_ < 0) {
    throw std::runtime_error("fork failed");
  }
  if (pid_ == 0) {
    become(words, variables, out[1], err[1]);
  }
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Program::~Program() {
  if (!waited_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  stop_reading();
}

void Program::stop_reading() {
  for (int* file : {&out_, &err_}) {
    if (*file >= 0) {
      ::close(*file);
      *file = -1;
    }
  }
}

bool Program::read_some() {
  std::array<pollfd, 2> files{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (out_ < 0 && err_ < 0) {
    return false;
  }
  const int ready = ::poll(files.data(), files.size(), patience_ms);
  if (ready == 0) {
    throw std::runtime_error(name_ + " says nothing more after:\n" + ended_.out + ended_.err);
  }
  for (auto [file, text] : {std::pair{&out_, &ended_.out}, std::pair{&err_, &ended_.err}}) {
    if (files[file == &out_ ? 0 : 1].revents == 0) {
      continue;
    }
    std::array<char, 4096> part{};
    const auto size = ::read(*file, part.data(), part.size());
    if (size > 0) {
      text->append(part.data(), static_cast<std::size_t>(size));
    } else if (size == 0 || errno != EINTR) {
      ::close(*file);
      *file = -1;
    }
  }
  return true;
}

bool Program::is_readable() const {
  std::array<pollfd, 2> files{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  return (out_ >= 0 || err_ >= 0) && ::poll(files.data(), files.size(), 0) > 0;
}

std::size_t Program::mark() {
  while (is_readable() && read_some()) {
  }
  return ended_.err.size();
}

std::string Program::wait_for(const std::string& text, std::size_t from) {
  for (;;) {
    const auto found = ended_.err.find(text, from);
    const auto end = found == std::string::npos ? found : ended_.err.find('\n', found);
    if (end != std::string::npos) {
      const auto begin = ended_.err.rfind('\n', found);
      return ended_.err.substr(begin + 1, end - begin - 1);
    }
    if (!read_some()) {
      throw std::runtime_error(name_ + " ended without \"" + text + "\":\n" + ended_.out + ended_.err);
    }
  }
}

void Program::signal(int number) const {
  ::kill(pid_, number);
}

Ended Program::wait() {
  while (read_some()) {
  }
  wait_unread();
  return ended_;
}

void Program::wait_until_full() const {
  // A write that does not fit into the rest of a page begins another one, so that a full pipe may hold little more than
  // half.
  const int size = ::fcntl(err_, F_GETPIPE_SZ);
  for (int filled = 0; filled <= size / 2;) {
    if (::ioctl(err_, FIONREAD, &filled) != 0) {
      throw std::runtime_error("FIONREAD failed");
    }
  }
}

bool Program::has_ended() {
  int status = 0;
  if (!waited_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    take_status(status);
  }
  return waited_;
}

int Program::wait_unread() {
  if (!waited_) {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    take_status(status);
  }
  return ended_.status;
}

void Program::take_status(int status) {
  waited_ = true;
  ended_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Folder::Folder() {
  auto name = (std::filesystem::temp_directory_path() / "tern-programs-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp failed");
  }
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Bot::Bot(std::vector<std::string> settings, Program::Variables variables)
    : program_(bot_words(std::move(settings)), std::move(variables)) {
  const auto line = program_.wait_for(" serving ");
  port_ = static_cast<unsigned short>(std::stoi(line.substr(line.find("port=") + 5)));
}

std::string Bot::say(const std::string& conversation, const std::string& user) {
  namespace json = boost::json;
  json::object activity{{"type", "message"},
                        {"id", std::to_string(std::random_device()()) + "-" + std::to_string(++messages_)},
                        {"text", "hello"},
                        {"channelId", "emulator"},
                        {"deliveryMode", "expectReplies"},
                        {"from", {{"id", user}}},
                        {"recipient", {{"id", "b"}}},
                        {"conversation", {{"id", conversation}}}};
  const auto answer = post_activity(port_, json::serialize(activity));
  if (answer.status != 200) {
    return "status " + std::to_string(answer.status) + " " + answer.body;
  }
  const auto body = json::parse(answer.body);
  return body.at("activities").at(0).at("text").as_string().c_str();
}

int Bot::get(const std::string& path) const {
  return test::get(port_, path).status;
}

bool Bot::becomes(const std::string& path, int status) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (get(path) != status) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
  }
  return true;
}

Ended Bot::stop() {
  program_.signal(SIGTERM);
  return program_.wait();
}

void Bot::kill() {
  program_.signal(SIGKILL);
  program_.wait();
}

}  // namespace tern::test
