// Measures configurations on GPUs: the evaluators of proxy_evaluator.hpp with a bank on devices.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "amq/concepts/loss.hpp"
#include "amq/core/configuration.hpp"
#include "amq/core/error.hpp"
#include "amq/evaluate/cuda_bank.hpp"
#include "amq/evaluate/cuda_executor.hpp"
#include "amq/evaluate/device_loss.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"

namespace amq {

/// Losses against the unquantized model on calibration tokens, on one device or several, each with the whole bank; the
/// configurations of a batch are split among them. Activations are numbers of the executor's type; in f32 losses are
/// the host's within 1e-3 of their size. A configuration's loss has the same bits whatever batch it is measured in, and
/// for any number of devices of one kind. A failure of a device is no configuration's own: it is thrown as cuda_error
/// once all measurements before it were handed over.
template <class Model, loss Loss>
class bank_evaluator<Model, Loss, cuda_executor> {
 public:
  /// `filled` was made with these tokens and this executor.
  bank_evaluator(Model const&, token_sequences const& tokens, cuda_bank filled, Loss, cuda_executor const& executor)
      : executor_(executor), bank_(std::move(filled)), sequences_(tokens.count()) {}

  /// out[i] measures batch[i]; out is as long as batch.
  void evaluate(std::span<configuration const> batch, std::span<measurement> out) {
    measure_each(batch, sequences_, into(out));
  }

  /// Calls sink(i, measurement&&) for each configuration in order, until it returns false. As many are measured at a
  /// time as there are devices; what was measured beyond the last that the sink took is forgotten.
  template <class Sink>
  void evaluate_each(std::span<configuration const> batch, Sink&& sink) {
    measure_each(batch, sequences_, sink);
  }

  /// The same on the first `fidelity` of the sequences. Throws precondition_error unless that is a whole number of
  /// them, at least one.
  void evaluate_part(std::span<configuration const> batch, double fidelity, std::span<measurement> out) {
    measure_each(batch, detail::whole_sequences(fidelity, sequences_), into(out));
  }

  /// How many calibration sequences there are: parts are whole numbers of them.
  index sequences() const { return sequences_; }
  cuda_bank const& bank() const { return bank_; }

 private:
  static auto into(std::span<measurement> out) {
    return [out](std::size_t i, measurement&& measured) {
      out[i] = std::move(measured);
      return true;
    };
  }

  template <class Sink>
  void measure_each(std::span<configuration const> batch, index sequences, Sink&& sink) {
    std::vector<measurement> measured(executor_.size());
    for (std::size_t first = 0; first < batch.size(); first += executor_.size()) {
      auto const round = batch.subspan(first, std::min(executor_.size(), batch.size() - first));
      std::vector<char> done(round.size(), false);
      std::exception_ptr failure;
      try {
        executor_.for_each_device(round.size(), [&](std::size_t which) {
          measured[which] = measure(which, round[which], sequences);
          done[which] = true;
        });
      } catch (...) {
        failure = std::current_exception();
      }
      for (std::size_t i = 0; i < round.size(); ++i) {
        if (!done[i]) std::rethrow_exception(failure);
        if (!sink(first + i, std::move(measured[i]))) return;
      }
    }
  }

  measurement measure(std::size_t device, configuration const& genes, index sequences) const {
    auto const start = std::chrono::steady_clock::now();
    measurement result;
    result.sequence_losses.resize(static_cast<std::size_t>(sequences));
    bank_.decoder(device).measure(bank_.cells_of(genes), device_loss_of<Loss>(), result.sequence_losses);
    detail::conclude(result);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

  cuda_executor executor_;
  cuda_bank bank_;
  index sequences_;
};

/// The same with a bank that a cheap quantizer fills: `hqq` and `rtn` on the device.
template <class Model, matrix_quantizer Quantizer, loss Loss>
class proxy_evaluator<Model, Quantizer, Loss, cuda_executor> : public bank_evaluator<Model, Loss, cuda_executor> {
 public:
  template <search_space Space, class Statistics = no_statistics>
  proxy_evaluator(Model const& model, token_sequences const& tokens, Space const& space, Quantizer const& quantizer,
                  Loss loss_policy, cuda_executor const& executor, Statistics const& statistics = {},
                  std::function<void(std::string const&)> const& note = {})
      : bank_evaluator<Model, Loss, cuda_executor>(
            model, tokens, cuda_bank(model, tokens, space, quantizer, executor, statistics, note),
            std::move(loss_policy), executor) {}
};

}  // namespace amq
