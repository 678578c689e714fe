// Measuring by run-time names: a proxy's bank under a loss.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "amq/compose/proxies.hpp"
#include "amq/compose/registry.hpp"
#include "amq/evaluate/any_evaluator.hpp"
#include "amq/evaluate/cuda_evaluator.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/evaluate/tied_evaluator.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Where a new loss is announced.
inline auto losses() {
  return hana::make_tuple(entry(BOOST_HANA_STRING("jsd"), jsd{}), entry(BOOST_HANA_STRING("kl"), kl{}),
                          entry(BOOST_HANA_STRING("cross_entropy"), cross_entropy{}));
}

/// What measures: by names, in which precision candidates are multiplied on the host, what the proxy knows of each
/// layer's inputs (may be empty for proxies that need nothing; `needs_calibration` tells), and who is told what the
/// bank has to say.
struct evaluator_request {
  std::string_view proxy;
  std::string_view loss;
  amq::precision precision = amq::precision::f32;
  std::function<layer_statistics(index)> statistics = {};
  std::function<void(std::string const&)> note = {};
};

namespace detail {

/// make(quantizer, statistics) -> a bank, with the proxy that is asked for.
template <class Make>
auto with_proxy(evaluator_request const& request, Make const& make) {
  auto const statistics = [&](index layer) {
    return request.statistics ? request.statistics(layer) : layer_statistics{};
  };
  std::optional<decltype(make(std::declval<any_matrix_quantizer const&>(), statistics))> made;
  with_registered(proxies(), request.proxy, "a proxy quantizer",
                  [&](auto const& quantizer) { made.emplace(make(quantizer, statistics)); });
  return std::move(*made);
}

/// make(loss) -> an evaluator for each layer, with the loss that is asked for; tied as the space is.
template <class Make>
any_evaluator with_loss(evaluator_request const& request, format_space const& space, Make const& make) {
  std::optional<any_evaluator> made;
  with_registered(losses(), request.loss, "a loss", [&](auto const& loss_policy) { made.emplace(make(loss_policy)); });
  if (!space.tied()) return std::move(*made);
  return any_evaluator(std::make_unique<tied_evaluator>(space, std::move(*made)));
}

}  // namespace detail

/// A bank of the named proxy under the named loss, for configurations of `space` (tied or not). Model, tokens and
/// executor must outlive it. Throws input_error for a name that nothing has. Quantizers fill the bank, losses read it:
/// each is compiled once, not each pair.
template <class Model, class Executor>
  requires(!std::convertible_to<Executor&, cuda_executor const&>)
any_evaluator make_evaluator(Model const& model, token_sequences const& tokens, format_space const& space,
                             evaluator_request const& request, Executor& executor) {
  auto filled = detail::with_proxy(request, [&](auto const& quantizer, auto const& statistics) {
    return bank(model, space.untied(), quantizer, executor, statistics);
  });
  if (auto const note = filled.note(); request.note && !note.empty()) request.note(note);
  return detail::with_loss(request, space, [&]<class Loss>(Loss const& loss_policy) {
    return std::make_unique<bank_evaluator<Model, Loss, Executor>>(model, tokens, std::move(filled), loss_policy,
                                                                   executor, request.precision);
  });
}

/// The same on GPUs, in the numbers of the executor. Nothing but devices and their threads must outlive it. Throws
/// input_error for a format without a kernel as well, cuda_error for failures of a device.
template <class Model>
any_evaluator make_evaluator(Model const& model, token_sequences const& tokens, format_space const& space,
                             evaluator_request const& request, cuda_executor const& executor) {
  auto filled = detail::with_proxy(request, [&](auto const& quantizer, auto const& statistics) {
    return cuda_bank(model, tokens, space.untied(), quantizer, executor, statistics, request.note);
  });
  return detail::with_loss(request, space, [&]<class Loss>(Loss const& loss_policy) {
    return std::make_unique<bank_evaluator<Model, Loss, cuda_executor>>(model, tokens, std::move(filled), loss_policy,
                                                                        executor);
  });
}

}  // namespace amq
