// Linked into the tests of the RocksDB backend.
//
// Debian's RocksDB is not built with ThreadSanitizer, which sees the memory that it copies and frees but not the
// atomics that order it. Reports whose accesses are RocksDB's own are left out; Tern's threads and locks are watched as
// ever.
extern "C" const char* __tsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "called_from_lib:librocksdb.so\n"
         "race:librocksdb.so\n"
         "race:libsnappy.so\n";  // what it uncompresses blocks with
}
