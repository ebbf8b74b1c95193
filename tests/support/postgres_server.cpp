#include "support/postgres_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>

extern char** environ;

// libpqxx 6.4 asks for the encoding before it takes hold of a result, which throws when the connection was just lost:
// the result of that one statement, 2 KB, is leaked.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:libpqxx\n";
}

namespace tern::test {

namespace {

namespace fs = std::filesystem;

// The newest version that is installed.
std::string find_programs() {
  std::string found;
  std::error_code error;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", error)) {
    const auto folder = version.path() / "bin";
    if (fs::exists(folder / "initdb") && folder.string() > found) {
      found = folder.string();
    }
  }
  return found;
}

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(socket, generic, size) == 0 && ::getsockname(socket, generic, &size) == 0;
  ::close(socket);
  if (!bound) {
    throw std::runtime_error("no free port for PostgreSQL");
  }
  return ntohs(address.sin_port);
}

// Starts a program with its output going to `output`; its process id. It ends when this thread does.
int spawn(std::vector<std::string> command, int output) {
  std::vector<std::string> words{"setpriv", "--pdeathsig", "KILL"};
  if (::geteuid() == 0) {
    words.insert(words.end(), {"--reuid=postgres", "--regid=postgres", "--clear-groups"});
  }
  words.insert(words.end(), command.begin(), command.end());
  std::vector<char*> arguments;
  for (auto& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t process = 0;
  const int failed = ::posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw std::runtime_error("cannot start " + command[0]);
  }
  return process;
}

struct Pipe {
  Pipe() {
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw std::runtime_error("no pipe");
    }
  }
  int ends[2]{};
};

std::string read_all(int from) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(from, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  ::close(from);
  return text;
}

// Runs a program to its end.
void run(std::vector<std::string> command) {
  const Pipe pipe;
  const auto name = command[0];
  const int process = spawn(std::move(command), pipe.ends[1]);
  ::close(pipe.ends[1]);
  const auto said = read_all(pipe.ends[0]);
  int status = 0;
  ::waitpid(process, &status, 0);
  if (status != 0) {
    throw std::runtime_error(name + " failed: " + said);
  }
}

int parent_of(int process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string id;
  std::string name;
  std::string state;
  int parent = 0;
  stat >> id >> name >> state >> parent;
  return parent;
}

}  // namespace

std::string PostgresServer::obstacle() {
  if (find_programs().empty()) {
    return "PostgreSQL is not installed under /usr/lib/postgresql";
  }
  if (::geteuid() == 0 && ::getpwnam("postgres") == nullptr) {
    return "there is no user postgres for PostgreSQL to run as";
  }
  return {};
}

PostgresServer::PostgresServer() {
  char folder[] = "/tmp/tern-postgres-test.XXXXXX";
  if (::mkdtemp(folder) == nullptr) {
    throw std::runtime_error("no temporary folder");
  }
  folder_ = folder;
  if (::geteuid() == 0) {
    const auto* user = ::getpwnam("postgres");
    if (user == nullptr || ::chown(folder, user->pw_uid, user->pw_gid) != 0) {
      throw std::runtime_error("cannot give the folder to the user postgres");
    }
  }
  run({find_programs() + "/initdb", "-D", folder_ + "/data", "-U", "tern", "--auth=trust", "--no-sync",
       "--encoding=UTF8", "--locale=C.UTF-8"});
  port_ = free_port();
  start();
}

PostgresServer::~PostgresServer() {
  stop(Stop::immediate);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void PostgresServer::start() {
  const Pipe pipe;
  ready_ = false;
  ended_ = false;
  process_ = spawn({find_programs() + "/postgres", "-D", folder_ + "/data", "-p", std::to_string(port_), "-k", folder_,
                    "-c", "listen_addresses=127.0.0.1", "-c", "log_min_messages=log"},
                   pipe.ends[1]);
  ::close(pipe.ends[1]);
  log_reader_ = std::thread([this, from = pipe.ends[0]] { read_log(from); });
  std::unique_lock lock(mutex_);
  const bool told = changed_.wait_for(lock, std::chrono::seconds(60), [this] { return ready_ || ended_; });
  if (!told || ended_) {
    throw std::runtime_error("PostgreSQL does not start: " + log_);
  }
}

void PostgresServer::read_log(int from) {
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(from, buffer, sizeof buffer)) > 0;) {
    const std::lock_guard lock(mutex_);
    log_.append(buffer, static_cast<std::size_t>(count));
    if (log_.find("ready to accept connections") != std::string::npos) {
      ready_ = true;
      log_.clear();
      changed_.notify_all();
    }
  }
  ::close(from);
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void PostgresServer::stop(Stop how) {
  if (process_ == 0) {
    return;
  }
  resume();
  ::kill(process_, how == Stop::fast ? SIGINT : SIGQUIT);
  ::waitpid(process_, nullptr, 0);
  log_reader_.join();
  process_ = 0;
}

std::vector<int> PostgresServer::processes() const {
  std::vector<int> found{process_};
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos && parent_of(std::stoi(name)) == process_) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

void PostgresServer::pause() {
  // The parent first, so that it starts no more.
  for (const int process : processes()) {
    ::kill(process, SIGSTOP);
  }
}

void PostgresServer::resume() {
  for (const int process : processes()) {
    ::kill(process, SIGCONT);
  }
}

}  // namespace tern::test
