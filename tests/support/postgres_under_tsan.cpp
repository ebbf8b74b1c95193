// Linked into the tests of the PostgreSQL backend.
//
// Debian's libpqxx is not built with ThreadSanitizer. Its table of encodings is a static of a function: the first
// thread makes it under the guard that the language asks for, and the others look at the guard's byte in code that
// ThreadSanitizer does not see, so that connections that are opened at the same time look like a race. Reports whose
// accesses are libpqxx's own are left out; Tern's threads and locks are watched as ever.
extern "C" const char* __tsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "called_from_lib:libpqxx-6.4.so\n"
         "race:libpqxx-6.4.so\n";
}
