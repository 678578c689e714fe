// An infill of any type behind one type: for run-time choices, and so that what uses it is compiled once.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "amq/concepts/infill.hpp"
#include "amq/search/any_predictor.hpp"

namespace amq {

/// Owns an infill. Models infill for any_predictor, which must have what needs() says.
class any_infill {
 public:
  using policy_category = infill_category;

  template <class I>
    requires(!std::same_as<I, any_infill>)
  explicit any_infill(I owned) : needs_(needed_ability<I>()), many_objectives_(many_objective_policy<I>) {
    if constexpr (diagnose_infill<I, any_predictor>()) self_ = std::make_unique<holder<I>>(std::move(owned));
  }

  /// What the owned one cannot do without.
  std::optional<predictor_ability> needs() const { return needs_; }
  /// Whether it heeds more than two objectives.
  bool heeds_many_objectives() const { return many_objectives_; }

  std::vector<index> select(any_predictor const& predictor, population const& candidates, infill_context const& context,
                            index n, random_stream& random) const {
    return self_->select(predictor, candidates, context, n, random);
  }

 private:
  struct erased {
    virtual ~erased() = default;
    virtual std::vector<index> select(any_predictor const& predictor, population const& candidates,
                                      infill_context const& context, index n, random_stream& random) const = 0;
  };

  template <class I>
  struct holder final : erased {
    explicit holder(I owned) : infill_(std::move(owned)) {}
    std::vector<index> select(any_predictor const& predictor, population const& candidates,
                              infill_context const& context, index n, random_stream& random) const override {
      return infill_.select(predictor, candidates, context, n, random);
    }
    I infill_;
  };

  std::optional<predictor_ability> needs_;
  bool many_objectives_;
  std::unique_ptr<erased> self_;
};

}  // namespace amq
