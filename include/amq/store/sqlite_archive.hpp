// The archive of a search in an SQLite file that survives a kill at any moment.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/concepts/archive.hpp"
#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/store/archived_layer.hpp"
#include "amq/store/commit_cadence.hpp"
#include "amq/store/detail/archive_file.hpp"
#include "amq/store/detail/evaluation_rows.hpp"
#include "amq/store/detail/file_lock.hpp"
#include "amq/store/settings.hpp"
#include "amq/store/sqlite.hpp"

namespace amq {

/// Models `archive`. Everything is also held in memory, so reading costs nothing; the file has a table `evaluations`
/// (configuration as bits in checkpoint order, losses in nats, seconds of wall time, ids from 1 without gaps) and a
/// table `settings` (whose key `space` names the layers and their formats).
///
/// WAL with synchronous FULL: what is committed survives a power cut. Commits follow commit_cadence, so that at most
/// ten evaluations or two seconds of them are at risk; others may read the file all the while, one process writes it.
/// A failing commit (a full disk) throws input_error and keeps the evaluations; the next commit tries them again.
class sqlite_archive {
 public:
  /// False when nothing is there, or only what a process leaves that is killed while it creates an archive: `create`
  /// starts anew. True: `open` continues. Throws input_error for a file that is no archive; it stays as it is.
  static bool started(std::filesystem::path const& path) {
    return detail::settle_archive(path) == detail::archive_file::archive;
  }

  /// A new archive; its folder must exist. Tables and settings appear at once or not at all. `space` is set from
  /// `layers`. Throws input_error when an archive or another file is there already, or when it cannot be written.
  static sqlite_archive create(std::filesystem::path const& path, settings_map settings,
                               std::vector<archived_layer> layers) {
    detail::file_lock lock(path.string());
    if (started(path))
      throw input_error(path.string() + ": an archive is there already; continue it with --resume, or choose another " +
                        "folder.");
    bits_table table(std::move(layers));
    settings["space"] = space_setting(table.layers());
    try {
      sqlite_archive archive(std::move(lock), path, sqlite_access::create);
      archive.table_ = std::move(table);
      archive.settings_ = std::move(settings);
      archive.write_schema();
      archive.prepare_writing();
      return archive;
    } catch (error const&) {
      detail::remove_if_empty(path);
      throw;
    }
  }

  /// Continues an archive; O(evaluations). Throws input_error when it is absent, damaged, foreign, of a newer version,
  /// or being written by another process.
  static sqlite_archive open(std::filesystem::path const& path) {
    expect_started(path);
    sqlite_archive archive(detail::file_lock(path.string()), path, readable_access(path));
    archive.load();
    archive.connect(path, sqlite_access::read_write);
    archive.prepare_writing();
    archive.update_schema();
    return archive;
  }

  /// For looking only, also while another process writes it (then: what was committed so far) and on read-only media.
  static sqlite_archive open_read_only(std::filesystem::path const& path) {
    expect_started(path);
    sqlite_archive archive(std::nullopt, path, readable_access(path));
    archive.load();
    return archive;
  }

  sqlite_archive(sqlite_archive&&) noexcept = default;
  sqlite_archive& operator=(sqlite_archive&&) = delete;
  /// Commits what is pending. What cannot be written then is lost silently: call flush() to be told.
  ~sqlite_archive() {
    try {
      flush();
    } catch (error const&) {  // a destructor has nobody to tell
    }
  }

  /// Oldest first. Valid until the next record().
  std::span<evaluation const> evaluations() const { return recorded_.evaluations(); }
  bool contains(std::span<gene const> genes) const { return recorded_.contains(genes); }

  /// Throws precondition_error when the configuration does not fit the layers or the archive is read-only, input_error
  /// when a commit fails.
  void record(evaluation e) {
    AMQ_EXPECTS(lock_.has_value(), "an archive that was opened read-only records nothing");
    AMQ_EXPECTS(table_.covers(e.configuration), "a configuration needs one gene for each of the archive's " +
                                                    std::to_string(table_.layers().size()) +
                                                    " layers, each of them one of its choices");
    double const seconds = e.seconds;
    recorded_.record(std::move(e));
    if (cadence_.record(now(), seconds)) flush();
  }

  /// Commits what is pending; on disk when it returns. Call it where a batch ends. Throws input_error.
  void flush() {
    auto const recorded = evaluations();
    if (!lock_ || committed_ >= recorded.size()) return;
    sqlite_transaction transaction(*database_, "recording evaluations");
    sqlite_statement insert(*database_, detail::insert_evaluation, "recording evaluations");
    for (std::size_t i = committed_; i < recorded.size(); ++i)
      detail::insert_row(insert, static_cast<std::int64_t>(i + 1), recorded[i], table_);
    transaction.commit();
    committed_ = recorded.size();
    cadence_.committed();
  }

  std::vector<archived_layer> const& layers() const { return table_.layers(); }
  settings_map const& settings() const { return settings_; }

  /// Adds or changes a setting, on disk when it returns. Throws input_error.
  void set(std::string const& name, std::string const& value) {
    AMQ_EXPECTS(lock_.has_value(), "the settings of an archive that was opened read-only do not change");
    AMQ_EXPECTS(name != "space", "the layers of an archive do not change");
    sqlite_transaction transaction(*database_, "recording settings");
    write_setting(name, value);
    transaction.commit();
    settings_[name] = value;
  }

  /// Throws input_error when the archive was made with other settings than `wanted`, saying which. Returns a sentence
  /// about those that differ and only deserve a warning (another machine), empty when there are none.
  std::string expect_settings(settings_map const& wanted, setting_rules const& rules = {}) const {
    auto const difference = compare_settings(settings_, wanted, rules);
    if (!difference.refused.empty())
      throw input_error(database_->file() + " was made with other settings: " + difference.refused +
                        ". Resume with the stored values, or search into another folder.");
    if (difference.warned.empty()) return "";
    return database_->file() +
           " was made elsewhere, so its continuation may differ in the last digits: " + difference.warned + ".";
  }

 private:
  sqlite_archive(std::optional<detail::file_lock> lock, std::filesystem::path const& path, sqlite_access access)
      : lock_(std::move(lock)) {
    connect(path, access);
  }

  void connect(std::filesystem::path const& path, sqlite_access access) {
    database_ = std::make_unique<sqlite_connection>(path, access);
    database_->wait_for_locks(5000);
  }

  static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  static void expect_started(std::filesystem::path const& path) {
    if (!started(path)) throw input_error(path.string() + ": no archive of amq is there; a search makes one.");
  }

  /// A writer, alive or killed, leaves a WAL; without one the file is all there is and is read without any lock, which
  /// neither needs nor leaves files beside it.
  static sqlite_access readable_access(std::filesystem::path const& path) {
    return std::filesystem::exists(path.string() + "-wal") ? sqlite_access::read_only : sqlite_access::immutable;
  }

  void write_schema() {
    sqlite_transaction transaction(*database_, "creating it");
    auto const marks = "PRAGMA application_id = " + std::to_string(detail::archive_application) +
                       "; PRAGMA user_version = " + std::to_string(detail::archive_version);
    database_->execute(marks.c_str(), "creating it");
    database_->execute(detail::evaluations_schema, "creating it");
    database_->execute("CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT)", "creating it");
    for (auto const& [name, value] : settings_) write_setting(name, value);
    transaction.commit();
  }

  /// Tables of version 1 become those of today, at once or not at all.
  void update_schema() {
    if (version_ == detail::archive_version) return;
    sqlite_transaction transaction(*database_, "bringing it up to date");
    database_->execute(detail::update_from_1, "bringing it up to date");
    database_->execute(("PRAGMA user_version = " + std::to_string(detail::archive_version)).c_str(),
                       "bringing it up to date");
    transaction.commit();
    version_ = detail::archive_version;
  }

  /// WAL only once the tables are there: until then a kill leaves an empty file or a journal that SQLite rolls back.
  void prepare_writing() { database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", "opening it"); }

  void write_setting(std::string_view name, std::string_view value) {
    sqlite_statement insert(*database_, "INSERT OR REPLACE INTO settings VALUES (?, ?)", "recording settings");
    insert.bind(1, name);
    insert.bind(2, value);
    insert.step();
  }

  /// One read transaction, so that a concurrent writer's commit is seen whole or not at all.
  void load() {
    database_->execute("BEGIN", "reading it");
    sqlite_statement check(*database_, "PRAGMA integrity_check(1)", "checking it");
    if (!check.step() || check.text(0) != "ok") fail_damaged(check.text(0));
    load_version();
    load_settings();
    load_evaluations();
    database_->execute("COMMIT", "reading it");
  }

  /// Asked here once more: an update may still be in the WAL, where the file's first bytes do not show it.
  void load_version() {
    sqlite_statement row(*database_, "PRAGMA user_version", "reading its version");
    if (row.step()) version_ = row.integer(0);
  }

  void load_settings() {
    sqlite_statement row(*database_, "SELECT key, value FROM settings", "reading its settings");
    while (row.step()) settings_[row.text(0)] = row.text(1);
    auto layers = parse_space_setting(settings_["space"]);
    if (!layers) fail_damaged("its setting `space` names no layers");
    table_ = bits_table(std::move(*layers));
  }

  void load_evaluations() {
    auto const* const query = version_ == 1 ? detail::select_evaluations_1 : detail::select_evaluations;
    sqlite_statement row(*database_, query, "reading its evaluations");
    while (row.step()) {
      auto e = detail::read_row(row, table_);
      auto const expected = static_cast<std::int64_t>(evaluations().size() + 1);
      if (!e || row.integer(0) != expected) fail_damaged("evaluation " + std::to_string(expected) + " is unreadable");
      recorded_.record(std::move(*e));
    }
    committed_ = evaluations().size();
  }

  [[noreturn]] void fail_damaged(std::string const& what) const {
    throw input_error(database_->file() + ": this archive is damaged (" + what +
                      "); restore a copy, or search into another folder.");
  }

  std::optional<detail::file_lock> lock_;  ///< first, so that it goes last
  std::unique_ptr<sqlite_connection> database_;
  bits_table table_{{}};
  settings_map settings_;
  memory_archive recorded_;
  std::size_t committed_ = 0;
  commit_cadence cadence_;
  std::int64_t version_ = detail::archive_version;
};

}  // namespace amq
