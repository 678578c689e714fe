// Measures configurations in another program: bits go out as JSON lines, losses come back; docs/formats.md has the
// lines.
#pragma once

#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/concepts/evaluator.hpp"
#include "amq/core/error.hpp"
#include "amq/evaluate/detail/child_process.hpp"
#include "amq/io/archived_layer.hpp"
#include "amq/io/detail/printable.hpp"
#include "amq/io/format_json.hpp"

namespace amq {

struct process_evaluator_options {
  double timeout = 3600;       ///< seconds without an answer, while one is owed, after which the child is ended
  double start_timeout = 600;  ///< seconds until it must have answered the first line: models take long to load
  int most_failures = 3;       ///< configurations in a row that a child may fail before the rest of a batch fails, too
};

/// Models evaluator and streaming_evaluator: a child process started with `/bin/sh -c command`, kept from batch to
/// batch.
///
/// A child that crashes, hangs, or answers with something else than was asked fails the configuration it was measuring,
/// with a sentence; it is ended and a new one measures what is left of the batch. A loss that is no finite number fails
/// its configuration alone. The child is ended with the evaluator. Nothing is retried: a configuration that was
/// measured stays measured. Not for use from several threads at once.
class process_evaluator {
 public:
  static constexpr int protocol_version = 1;

  /// Starts the child and waits for its hello. Throws input_error when it cannot be started, does not answer in time,
  /// speaks another version, or when seconds are not above 0. `layers` in checkpoint order.
  process_evaluator(std::string command, std::vector<archived_layer> layers, process_evaluator_options options = {})
      : command_(std::move(command)), layers_(std::move(layers)), options_(options) {
    if (!(options_.timeout > 0 && options_.start_timeout > 0))
      throw input_error("the timeouts of an evaluator are " + std::to_string(options_.timeout) + " and " +
                        std::to_string(options_.start_timeout) + " seconds; expected more than 0");
    AMQ_EXPECTS(options_.most_failures >= 1, "an evaluator must be allowed at least one failure");
    start();
  }

  /// What the child said of itself in its hello, `about` by name: settings worth recording ("loss", "model_sha256").
  std::map<std::string, std::string> const& about() const { return about_; }

  /// out[i] measures batch[i]. Throws input_error when a child that failed cannot be started again: what was measured
  /// before is in `out` already.
  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    evaluate_each(batch, [&](std::size_t i, measurement&& measured) {
      out[i] = std::move(measured);
      return true;
    });
  }

  /// Calls sink(i, measurement&&) for each configuration in order as soon as it is there, until it returns false (a
  /// child that is owed answers then is ended; the next batch gets a new one).
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    std::size_t done = 0;
    int failures = 0;
    while (done < batch.size()) {
      if (failures >= options_.most_failures) {
        if (!sink(done++, failed(given_up_))) return;
        continue;
      }
      if (!child_ || child_->has_more() || child_->output_ended()) start();
      done = measure_rest(batch, done, failures, sink);
    }
  }

 private:
  using json = nlohmann::json;

  static measurement failed(std::string why) {
    measurement result;
    result.loss = std::numeric_limits<double>::infinity();
    result.error = std::move(why);
    return result;
  }

  std::string shown_command() const { return "the evaluator '" + detail::printable(command_, 120) + "'"; }

  void start() {
    child_.reset();
    try {
      child_ = std::make_unique<detail::child_process>(command_);
    } catch (input_error const&) {
      throw;
    } catch (error const& failure) {
      throw input_error(shown_command() + " could not be started: " + failure.what());
    }
    child_->send(hello().dump(-1, ' ', false, json::error_handler_t::replace));
    fresh_ = true;
    auto const answer = child_->next_line(detail::deadline_in(options_.start_timeout));
    if (answer.what != detail::child_process::event::line)
      refuse_start(why_no_line(answer.what, options_.start_timeout) + " before it answered the first line");
    read_hello(answer.line);
  }

  json hello() const {
    auto layers = json::array();
    for (auto const& layer : layers_) {
      auto choices = json::array();
      for (format const f : layer.choices) choices.push_back(format_json(f));
      layers.push_back({{"name", layer.name}, {"rows", layer.rows}, {"cols", layer.cols}, {"choices", choices}});
    }
    return {{"protocol", "amq-evaluator"}, {"version", protocol_version}, {"layers", std::move(layers)}};
  }

  void read_hello(std::string const& line) {
    auto const answer = json::parse(line, nullptr, false);
    if (!answer.is_object() || answer.value("protocol", json()) != "amq-evaluator")
      refuse_start("answered '" + detail::printable(line, 60) +
                   R"('; expected {"protocol":"amq-evaluator","version":1}, messages belong on standard error)");
    if (answer.value("version", json()) != protocol_version)
      refuse_start("speaks version " + detail::printable(answer.value("version", json()).dump(), 20) +
                   " of the protocol; expected " + std::to_string(protocol_version));
    about_.clear();
    auto const about = answer.value("about", json());
    if (!about.is_object()) return;
    for (auto const& [name, value] : about.items())
      about_[name] = value.is_string() ? value.get<std::string>() : value.dump();
  }

  [[noreturn]] void refuse_start(std::string const& what) {
    child_.reset();
    throw input_error(shown_command() + " " + what);
  }

  /// Closes the story of a child that gave no line; it is gone afterwards.
  std::string why_no_line(detail::child_process::event what, double seconds) {
    switch (what) {
      case detail::child_process::event::timed_out:
        return "did not answer within " + shown(seconds) + " s and was ended";
      case detail::child_process::event::too_long:
        return "answered with more than " + std::to_string(detail::child_process::longest_line) + " bytes in one line";
      default:
        return "closed its output (" + child_->stop(1) + ")";
    }
  }

  static std::string shown(double seconds) { return json(seconds).dump(); }

  /// Measures batch[first...] until all is done, the sink has enough, or the child fails. Returns how far it came.
  template <class Sink>
  std::size_t measure_rest(std::span<configuration const> batch, std::size_t first, int& failures, Sink&& sink) {
    std::size_t const count = batch.size() - first;
    send_requests(batch.subspan(first));
    bool const fresh = std::exchange(fresh_, false);
    for (std::size_t i = 0; i < count; ++i) {
      auto const start = std::chrono::steady_clock::now();
      auto const answer = child_->next_line(detail::deadline_in(options_.timeout));
      bool const idle_death = i == 0 && !fresh && answer.what == detail::child_process::event::ended;
      if (idle_death) {  // between two batches: nothing was being measured
        child_.reset();
        return first;
      }
      auto measured = judge(answer, i, i + 1 == count);
      failures = child_ ? 0 : failures + 1;
      if (measured.seconds == 0)
        measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      bool const more = sink(first + i, std::move(measured));
      if (!more && i + 1 < count) child_.reset();
      if (!more) return batch.size();
      if (!child_) return first + i + 1;
    }
    return batch.size();
  }

  void send_requests(std::span<configuration const> batch) {
    std::vector<std::string> requests;
    for (std::size_t i = 0; i < batch.size(); ++i) requests.push_back(request(batch[i], i, batch.size()));
    for (auto const& line : requests) child_->send(line);
  }

  /// The measurement in an answer. Where it is none, the child is ended and the measurement says why.
  measurement judge(detail::child_process::received const& answer, std::size_t id, bool last) {
    std::string broken;
    measurement result;
    if (answer.what == detail::child_process::event::line)
      result = parse_answer(answer.line, id, broken);
    else
      broken = why_no_line(answer.what, options_.timeout);
    if (broken.empty() && last && child_->has_more()) broken = "answered more often than it was asked";
    if (broken.empty()) return result;
    child_.reset();
    result = failed(shown_command() + " " + broken);
    given_up_ = "not tried, because as many as " + std::to_string(options_.most_failures) +
                " before it failed in a row: " + result.error;
    return result;
  }

  std::string request(configuration const& genes, std::size_t id, std::size_t count) const {
    AMQ_EXPECTS(genes.size() == layers_.size(), "a configuration needs one gene for each of the evaluator's " +
                                                    std::to_string(layers_.size()) + " layers, not " +
                                                    std::to_string(genes.size()));
    auto bits = json::array();
    for (std::size_t i = 0; i < genes.size(); ++i) {
      AMQ_EXPECTS(genes[i] < layers_[i].choices.size(),
                  layers_[i].name + " has no choice of gene " + std::to_string(genes[i]));
      if (layers_[i].told_by_bits())
        bits.push_back(layers_[i].choices[genes[i]].bits);
      else
        bits.push_back(spelling(layers_[i].choices[genes[i]]));
    }
    return json{{"id", id}, {"of", count}, {"bits", std::move(bits)}}.dump();
  }

  /// The measurement that a line holds; `broken` says what is wrong with a line that is no answer to this request.
  static measurement parse_answer(std::string const& line, std::size_t id, std::string& broken) {
    auto answer = json::parse(line, nullptr, false);
    if (answer.is_discarded()) answer = json::parse(without_bare_numbers(line), nullptr, false);
    auto const expected = R"(; expected {"id":)" + std::to_string(id) + R"(,"loss":...})";
    if (!answer.is_object()) {
      broken = "answered '" + detail::printable(line, 60) + "'" + expected + ", messages belong on standard error";
      return {};
    }
    if (answer.value("id", json()) != id) {
      broken = "answered for the id " + detail::printable(answer.value("id", json()).dump(), 20) + expected;
      return {};
    }
    if (auto const why = answer.find("error"); why != answer.end() && !why->is_null())
      return failed("the evaluator says: " +
                    detail::printable(why->is_string() ? why->get<std::string>() : why->dump(), 300));
    auto const loss = answer.value("loss", json());
    if (!loss.is_number() || !std::isfinite(loss.get<double>()))
      return failed("the evaluator's loss is " +
                    (loss.is_null() ? "not a number" : detail::printable(loss.dump(), 40)) +
                    "; expected a finite number");
    return complete(answer, loss.get<double>());
  }

  static measurement complete(json const& answer, double loss) {
    measurement result;
    result.loss = loss;
    if (auto const seconds = answer.value("seconds", json()); seconds.is_number())
      result.seconds = seconds.get<double>();
    for (auto const& one : answer.value("sequence_losses", json::array()))
      if (one.is_number()) result.sequence_losses.push_back(one.get<double>());
    return result;
  }

  /// Python writes NaN and Infinity, which are no JSON: here they become null, outside of strings.
  static std::string without_bare_numbers(std::string const& line) {
    std::string result;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size();) {
      auto const rest = std::string_view(line).substr(i);
      std::size_t skip = 0;
      for (std::string_view const word : {"NaN", "-Infinity", "Infinity"})
        if (!quoted && rest.starts_with(word)) skip = word.size();
      if (line[i] == '"' && (i == 0 || line[i - 1] != '\\')) quoted = !quoted;
      result += skip > 0 ? "null" : std::string(1, line[i]);
      i += skip > 0 ? skip : 1;
    }
    return result;
  }

  std::string command_;
  std::vector<archived_layer> layers_;
  process_evaluator_options options_;
  std::map<std::string, std::string> about_;
  std::unique_ptr<detail::child_process> child_;
  bool fresh_ = false;  ///< the child has not been asked to measure anything yet
  std::string given_up_;
};

static_assert(streaming_evaluator<process_evaluator>);

}  // namespace amq
