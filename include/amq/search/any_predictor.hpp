// A predictor of any type behind one type: for run-time choices, and so that what uses it is compiled once.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <utility>

#include "amq/concepts/predictor.hpp"
#include "amq/core/error.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// Owns a predictor over format_space. Models every refinement of predictor; what the owned one lacks, has() says, and
/// calling it throws precondition_error. One virtual call a batch.
class any_predictor {
 public:
  using policy_category = predictor_category;

  template <class P>
    requires(!std::same_as<P, any_predictor>)
  explicit any_predictor(P owned) {
    if constexpr (diagnose_predictor<P, format_space>()) self_ = std::make_unique<holder<P>>(std::move(owned));
  }

  void fit(format_space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    self_->fit(space, genes, losses);
  }
  void predict(matrix_view<gene const> genes, std::span<double> losses) const { self_->predict(genes, losses); }

  bool has(predictor_ability ability) const { return self_->has(ability); }
  bool has_layer_costs() const { return has(predictor_ability::layer_costs); }
  bool has_layer_cost_draws() const { return has(predictor_ability::layer_cost_draws); }

  void variance(matrix_view<gene const> genes, std::span<double> out) const { self_->variance(genes, out); }
  void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const {
    self_->draw(genes, random, out);
  }
  matrix<double> layer_costs() const { return self_->layer_costs(); }
  matrix<double> draw_layer_costs(random_stream& random) const { return self_->draw_layer_costs(random); }

 private:
  struct erased {
    virtual ~erased() = default;
    virtual void fit(format_space const& space, matrix_view<gene const> genes, std::span<double const> losses) = 0;
    virtual void predict(matrix_view<gene const> genes, std::span<double> losses) const = 0;
    virtual bool has(predictor_ability ability) const = 0;
    virtual void variance(matrix_view<gene const> genes, std::span<double> out) const = 0;
    virtual void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const = 0;
    virtual matrix<double> layer_costs() const = 0;
    virtual matrix<double> draw_layer_costs(random_stream& random) const = 0;
  };

  template <class P>
  struct holder final : erased {
    static constexpr bool uncertain = uncertain_predictor<P, format_space>;
    static constexpr bool sampling = sampling_predictor<P, format_space>;
    static constexpr bool additive = additive_predictor<P, format_space>;
    static constexpr bool sampling_additive = sampling_additive_predictor<P, format_space>;

    explicit holder(P owned) : predictor_(std::move(owned)) {}
    void fit(format_space const& space, matrix_view<gene const> genes, std::span<double const> losses) override {
      predictor_.fit(space, genes, losses);
    }
    void predict(matrix_view<gene const> genes, std::span<double> losses) const override {
      predictor_.predict(genes, losses);
    }
    bool has(predictor_ability ability) const override {
      switch (ability) {
        case predictor_ability::variance:
          return uncertain;
        case predictor_ability::draws:
          return sampling;
        case predictor_ability::layer_costs:
          return additive;
        case predictor_ability::layer_cost_draws:
          return sampling_additive;
      }
      return false;
    }
    void variance([[maybe_unused]] matrix_view<gene const> genes,
                  [[maybe_unused]] std::span<double> out) const override {
      AMQ_EXPECTS(uncertain, "this predictor does not know its variance: ask has(predictor_ability::variance) first");
      if constexpr (uncertain) predictor_.variance(genes, out);
    }
    void draw([[maybe_unused]] matrix_view<gene const> genes, [[maybe_unused]] random_stream& random,
              [[maybe_unused]] std::span<double> out) const override {
      AMQ_EXPECTS(sampling, "this predictor cannot draw losses: ask has(predictor_ability::draws) first");
      if constexpr (sampling) predictor_.draw(genes, random, out);
    }
    matrix<double> layer_costs() const override {
      AMQ_EXPECTS(additive, "this predictor has no layer costs: ask has(predictor_ability::layer_costs) first");
      if constexpr (additive) return predictor_.layer_costs();
      return {};
    }
    matrix<double> draw_layer_costs([[maybe_unused]] random_stream& random) const override {
      AMQ_EXPECTS(sampling_additive,
                  "this predictor cannot draw layer costs: ask has(predictor_ability::layer_cost_draws) first");
      if constexpr (sampling_additive) return predictor_.draw_layer_costs(random);
      return {};
    }
    P predictor_;
  };

  std::unique_ptr<erased> self_;
};

}  // namespace amq
