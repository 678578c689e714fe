// An optimizer of any type behind one type, on problems of any type behind one: each optimizer is compiled once.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <utility>

#include "amq/concepts/optimizer.hpp"
#include "amq/concepts/predictor.hpp"
#include "amq/core/error.hpp"

namespace amq {

/// A problem that is known at run time only. Models every refinement of optimization_problem; has_costs() and
/// has_cost_draws() say which of them the problem behind it has.
class erased_problem {
 public:
  virtual index variables() const = 0;
  virtual int levels(index variable) const = 0;
  virtual index objectives() const = 0;
  virtual void evaluate(matrix_view<gene const> genes, matrix_view<double> objectives) = 0;
  virtual matrix<double> sizes() const = 0;
  virtual bool has_costs() const = 0;
  virtual matrix<double> costs() const = 0;
  virtual bool has_cost_draws() const = 0;
  virtual matrix<double> draw_costs(random_stream& random) const = 0;

 protected:
  ~erased_problem() = default;
};

namespace detail {

template <optimization_problem P>
class problem_reference final : public erased_problem {
 public:
  explicit problem_reference(P& problem) : problem_(problem) {}

  index variables() const override { return problem_.variables(); }
  int levels(index variable) const override { return problem_.levels(variable); }
  index objectives() const override { return problem_.objectives(); }
  void evaluate(matrix_view<gene const> genes, matrix_view<double> objectives) override {
    problem_.evaluate(genes, objectives);
  }
  matrix<double> sizes() const override {
    AMQ_EXPECTS(sized_problem<P>, "this optimizer needs a problem with `matrix<double> sizes() const`");
    if constexpr (sized_problem<P>) return problem_.sizes();
    return {};
  }
  bool has_costs() const override {
    if constexpr (additive_problem<P>) return amq::has_costs(problem_);
    return false;
  }
  matrix<double> costs() const override {
    AMQ_EXPECTS(has_costs(), "this optimizer needs a problem with additive costs: a predictor with layer costs");
    if constexpr (additive_problem<P>) return problem_.costs();
    return {};
  }
  bool has_cost_draws() const override {
    if constexpr (sampled_problem<P>) return amq::has_cost_draws(problem_);
    return false;
  }
  matrix<double> draw_costs([[maybe_unused]] random_stream& random) const override {
    AMQ_EXPECTS(has_cost_draws(), "this optimizer needs a problem that draws additive costs");
    if constexpr (sampled_problem<P>) return problem_.draw_costs(random);
    return {};
  }

 private:
  P& problem_;
};

}  // namespace detail

/// Owns an optimizer. Models optimizer for all problems: whatever the owned one asks of a problem is forwarded, one
/// virtual call a batch.
class any_optimizer {
 public:
  using policy_category = optimizer_category;

  template <class O>
    requires(!std::same_as<O, any_optimizer>)
  explicit any_optimizer(O owned) : needs_(needed_ability<O>()), many_objectives_(many_objective_policy<O>) {
    if constexpr (diagnose_optimizer<O, erased_problem>()) self_ = std::make_unique<holder<O>>(std::move(owned));
  }

  /// What the owned one cannot do without.
  std::optional<predictor_ability> needs() const { return needs_; }
  /// Whether it heeds more than two objectives.
  bool heeds_many_objectives() const { return many_objectives_; }

  template <optimization_problem Problem>
  population minimize(Problem& problem, matrix_view<gene const> start, random_stream& random) const {
    detail::problem_reference<Problem> reference(problem);
    return self_->minimize(reference, start, random);
  }

 private:
  struct erased {
    virtual ~erased() = default;
    virtual population minimize(erased_problem& problem, matrix_view<gene const> start,
                                random_stream& random) const = 0;
  };

  template <class O>
  struct holder final : erased {
    explicit holder(O owned) : optimizer_(std::move(owned)) {}
    population minimize(erased_problem& problem, matrix_view<gene const> start, random_stream& random) const override {
      return optimizer_.minimize(problem, start, random);
    }
    O optimizer_;
  };

  std::optional<predictor_ability> needs_;
  bool many_objectives_;
  std::unique_ptr<erased> self_;
};

}  // namespace amq
