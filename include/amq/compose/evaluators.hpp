// Measuring by run-time names: where a new proxy quantizer or loss is announced.
#pragma once

#include <memory>
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
/// for a name that nothing has.
template <class Model, class Space, class Executor>
any_evaluator make_evaluator(Model const& model, token_sequences const& tokens, Space const& space,
                             std::string_view proxy, std::string_view loss_name, Executor& executor) {
  std::unique_ptr<any_evaluator> made;
  with_registered(proxies(), proxy, "a proxy quantizer", [&](auto const& quantizer) {
    with_registered(losses(), loss_name, "a loss", [&](auto const& loss_policy) {
      using quantizer_type = std::remove_cvref_t<decltype(quantizer)>;
      using loss_type = std::remove_cvref_t<decltype(loss_policy)>;
      using evaluator_type = proxy_evaluator<Model, quantizer_type, loss_type, Executor>;
      made = std::make_unique<any_evaluator>(
          std::make_unique<evaluator_type>(model, tokens, space, quantizer, loss_policy, executor));
    });
  });
  return std::move(*made);
}

}  // namespace amq
