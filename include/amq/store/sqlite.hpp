// SQLite 3 with owners: a connection, a statement, a transaction; errors are sentences that name the file.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "amq/core/error.hpp"

namespace amq {

namespace detail {

struct close_sqlite {
  void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
};
struct finalize_sqlite {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};

/// What a result code means to the person at the keyboard.
inline std::string explain_sqlite(int code, std::string const& message) {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return "it is not an SQLite file";
    case SQLITE_CORRUPT:
      return "it is damaged or cut short (" + message + "); restore a copy or choose another place";
    case SQLITE_FULL:
      return "no space is left (" + message + "); make room and try again";
    case SQLITE_IOERR:
      return "the system could not read or write it (" + message + "); the disk may be full or failing";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program is using it; close that program and try again";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return "the system does not allow it (" + message + "); its folder must exist and be writable";
    default:
      return message;
  }
}

[[noreturn]] inline void fail_sqlite(sqlite3* database, std::string const& file, std::string const& doing) {
  int const code = database ? sqlite3_extended_errcode(database) : SQLITE_NOMEM;
  std::string const message = database ? sqlite3_errmsg(database) : "out of memory";
  throw input_error(file + ": " + doing + " failed: " + explain_sqlite(code, message) + ".");
}

/// `file:` URI of a path: SQLite's special names (":memory:", "file:") and characters lose their meaning.
inline std::string sqlite_uri(std::filesystem::path const& path, std::string const& query) {
  constexpr char const* hex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (char const c : std::filesystem::absolute(path).string()) {
    auto const byte = static_cast<unsigned char>(c);
    bool const plain = byte > 0x20 && byte < 0x7f && c != '%' && c != '?' && c != '#';
    if (plain) uri += c;
    if (!plain) uri += {'%', hex[byte >> 4], hex[byte & 15]};
  }
  return uri + query;
}

}  // namespace detail

enum class sqlite_access {
  read_only,
  immutable,   ///< read-only, and nobody else may write: needs no lock files beside it (read-only media)
  read_write,  ///< the file must exist
  create       ///< read_write, and an absent file is made
};

/// An open database. Movable; one thread at a time.
class sqlite_connection {
 public:
  /// Throws input_error when the file cannot be opened. SQLite reads nothing of it yet.
  sqlite_connection(std::filesystem::path const& path, sqlite_access access) : file_(path.string()) {
    bool const writable = access == sqlite_access::read_write || access == sqlite_access::create;
    int const flags = SQLITE_OPEN_URI | (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                      (access == sqlite_access::create ? SQLITE_OPEN_CREATE : 0);
    sqlite3* opened = nullptr;
    auto const uri = detail::sqlite_uri(path, access == sqlite_access::immutable ? "?immutable=1" : "");
    int const code = sqlite3_open_v2(uri.c_str(), &opened, flags, nullptr);
    database_.reset(opened);
    if (code != SQLITE_OK) fail(access == sqlite_access::create ? "creating it" : "opening it");
  }

  /// Runs statements that give no rows anybody wants.
  void execute(char const* sql, std::string const& doing) {
    if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(doing);
  }
  /// How long to wait for a lock before failing.
  void wait_for_locks(int milliseconds) { sqlite3_busy_timeout(handle(), milliseconds); }

  sqlite3* handle() const { return database_.get(); }
  std::string const& file() const { return file_; }
  /// Throws input_error with SQLite's last error.
  [[noreturn]] void fail(std::string const& doing) const { detail::fail_sqlite(handle(), file_, doing); }

 private:
  std::string file_;
  std::unique_ptr<sqlite3, detail::close_sqlite> database_;
};

/// A compiled statement. Positions of `bind` count from 1, columns from 0, as SQLite's own do. Texts and blobs that are
/// bound must live until the last step; those that are read live until the next one.
class sqlite_statement {
 public:
  /// `doing` ends up in error messages: "reading its settings". `database` must not move while the statement lives.
  sqlite_statement(sqlite_connection const& database, std::string_view sql, std::string doing)
      : database_(&database), doing_(std::move(doing)) {
    sqlite3_stmt* prepared = nullptr;
    check(sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &prepared, nullptr));
    statement_.reset(prepared);
  }

  void bind(int position, std::int64_t value) { check(sqlite3_bind_int64(handle(), position, value)); }
  /// A NaN becomes NULL: SQLite has none.
  void bind(int position, double value) { check(sqlite3_bind_double(handle(), position, value)); }
  void bind(int position, std::string_view value) {
    check(sqlite3_bind_text64(handle(), position, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind(int position, std::span<std::byte const> value) {
    check(sqlite3_bind_blob64(handle(), position, value.data(), value.size(), SQLITE_STATIC));
  }

  /// True when a row is there to be read, false when there are no more.
  bool step() {
    int const code = sqlite3_step(handle());
    if (code != SQLITE_ROW && code != SQLITE_DONE) database_->fail(doing_);
    return code == SQLITE_ROW;
  }
  void reset() { sqlite3_reset(handle()); }

  bool null(int column) const { return sqlite3_column_type(handle(), column) == SQLITE_NULL; }
  std::int64_t integer(int column) const { return sqlite3_column_int64(handle(), column); }
  double real(int column) const { return sqlite3_column_double(handle(), column); }
  /// Whether the column holds a number: SQLite stores whatever it is given, also text in a column of type REAL.
  bool numeric(int column) const {
    int const type = sqlite3_column_type(handle(), column);
    return type == SQLITE_FLOAT || type == SQLITE_INTEGER;
  }
  std::string text(int column) const {
    auto const* const data = sqlite3_column_text(handle(), column);
    auto const size = static_cast<std::size_t>(sqlite3_column_bytes(handle(), column));
    return data ? std::string(data, data + size) : std::string();
  }
  std::span<std::byte const> blob(int column) const {
    auto const* const data = static_cast<std::byte const*>(sqlite3_column_blob(handle(), column));
    return {data, data ? static_cast<std::size_t>(sqlite3_column_bytes(handle(), column)) : 0};
  }

 private:
  sqlite3_stmt* handle() const { return statement_.get(); }
  void check(int code) const {
    if (code != SQLITE_OK) database_->fail(doing_);
  }

  sqlite_connection const* database_;
  std::string doing_;
  std::unique_ptr<sqlite3_stmt, detail::finalize_sqlite> statement_;
};

/// All or nothing: what is not committed is undone.
class sqlite_transaction {
 public:
  sqlite_transaction(sqlite_connection& database, std::string doing) : database_(database), doing_(std::move(doing)) {
    database_.execute("BEGIN IMMEDIATE", doing_);
  }
  sqlite_transaction(sqlite_transaction const&) = delete;
  sqlite_transaction& operator=(sqlite_transaction const&) = delete;
  ~sqlite_transaction() {
    // SQLite undoes some failures itself; then there is no transaction left to end.
    if (!sqlite3_get_autocommit(database_.handle()))
      sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

  /// On disk when it returns (synchronous FULL).
  void commit() { database_.execute("COMMIT", doing_); }

 private:
  sqlite_connection& database_;
  std::string doing_;
};

}  // namespace amq
