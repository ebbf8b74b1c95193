#pragma once

namespace tern::auth {

/// Frees an object of OpenSSL with the function `Free`.
template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};

/// Takes away the errors that OpenSSL notes for this thread: its functions for TLS would take them for their own.
class NoErrorsLeft {
 public:
  NoErrorsLeft() noexcept;
  ~NoErrorsLeft();
  NoErrorsLeft(const NoErrorsLeft&) = delete;
  NoErrorsLeft& operator=(const NoErrorsLeft&) = delete;
};

}  // namespace tern::auth
