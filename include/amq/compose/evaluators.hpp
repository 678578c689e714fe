// Measuring by run-time names: where a new proxy quantizer or loss is announced.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "amq/compose/registry.hpp"
#include "amq/evaluate/any_evaluator.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/quantize/hqq.hpp"
#include "amq/quantize/rtn.hpp"

namespace amq {

/// Quantizers that may fill a bank.
inline auto proxies() {
  return hana::make_tuple(entry(BOOST_HANA_STRING("hqq"), hqq{}), entry(BOOST_HANA_STRING("rtn"), rtn{}),
                          entry(BOOST_HANA_STRING("rtn_symmetric"), rtn{{.variant = rtn_variant::symmetric}}),
                          entry(BOOST_HANA_STRING("rtn_awq"), rtn{{.variant = rtn_variant::awq}}));
}

inline auto losses() {
  return hana::make_tuple(entry(BOOST_HANA_STRING("jsd"), jsd{}), entry(BOOST_HANA_STRING("kl"), kl{}),
                          entry(BOOST_HANA_STRING("cross_entropy"), cross_entropy{}));
}

/// A proxy_evaluator with the named quantizer and loss. Model, tokens and executor must outlive it. Throws input_error
/// for a name that nothing has. Quantizers fill the bank, losses read it: each is compiled once, not each pair.
template <class Model, class Space, class Executor>
any_evaluator make_evaluator(Model const& model, token_sequences const& tokens, Space const& space,
                             std::string_view proxy, std::string_view loss_name, Executor& executor) {
  std::optional<any_evaluator> made;
  with_registered(losses(), loss_name, "a loss", [&](auto const& loss_policy) {
    std::optional<bank> filled;
    with_registered(proxies(), proxy, "a proxy quantizer",
                    [&](auto const& quantizer) { filled.emplace(model, space, quantizer, executor); });
    using evaluator_type = bank_evaluator<Model, std::remove_cvref_t<decltype(loss_policy)>, Executor>;
    made.emplace(std::make_unique<evaluator_type>(model, tokens, std::move(*filled), loss_policy, executor));
  });
  return std::move(*made);
}

}  // namespace amq
