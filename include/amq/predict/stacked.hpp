// stacked: a predictor and a second one that learns what the first gets wrong.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "amq/concepts/predictor.hpp"
#include "amq/concepts/search_space.hpp"
#include "amq/core/random.hpp"
#include "amq/predict/detail/training_set.hpp"

namespace amq {

/// Base learns the losses, Residual learns losses minus Base's predictions of the same configurations, and the
/// prediction is their sum: `stacked<additive, gp<>>` keeps a sum's reach over many unequal layers and the process's
/// eye for what they do together. It pays where layers differ widely; a process alone is better on layers that matter
/// about equally, and a Base that interpolates its data leaves nothing to learn.
///
/// How unsure it is, is Residual's to say; what single layers cost is Base's. Determinism and costs are theirs.
template <class Base, class Residual>
class stacked {
 public:
  using policy_category = predictor_category;

  explicit stacked(Base base = Base{}, Residual residual = Residual{})
      : base_(std::move(base)), residual_(std::move(residual)) {}

  /// Throws precondition_error unless there is one finite loss for each row of genes (configurations, layers), and at
  /// least one.
  template <search_space Space>
  void fit(Space const& space, matrix_view<gene const> genes, std::span<double const> losses) {
    static_assert(diagnose_predictor<Base, Space>() && diagnose_predictor<Residual, Space>());
    detail::expect_training_set("stacked::fit", genes, losses);
    base_.fit(space, genes, losses);
    std::vector<double> residuals(losses.size());
    base_.predict(genes, residuals);
    for (std::size_t i = 0; i < losses.size(); ++i) residuals[i] = losses[i] - residuals[i];
    residual_.fit(space, genes, residuals);
  }

  /// out[i] is the predicted loss of row i.
  void predict(matrix_view<gene const> genes, std::span<double> out) const {
    residual_.predict(genes, out);
    add_base(genes, out);
  }

  /// Residual's: squared units of loss.
  void variance(matrix_view<gene const> genes, std::span<double> out) const
    requires requires(Residual const& r) { r.variance(genes, out); }
  {
    residual_.variance(genes, out);
  }

  /// Base's prediction and one draw of Residual's posterior, in units of loss.
  void draw(matrix_view<gene const> genes, random_stream& random, std::span<double> out) const
    requires requires(Residual const& r) { r.draw(genes, random, out); }
  {
    residual_.draw(genes, random, out);
    add_base(genes, out);
  }

  /// Base's: (layers, most choices), infinite past a layer's choices.
  matrix<double> layer_costs() const
    requires requires(Base const& b) { b.layer_costs(); }
  {
    return base_.layer_costs();
  }

  /// Base's, as above.
  matrix<double> draw_layer_costs(random_stream& random) const
    requires requires(Base const& b) { b.draw_layer_costs(random); }
  {
    return base_.draw_layer_costs(random);
  }

  Base const& base() const { return base_; }
  Residual const& residual() const { return residual_; }

 private:
  void add_base(matrix_view<gene const> genes, std::span<double> out) const {
    std::vector<double> base(out.size());
    base_.predict(genes, base);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += base[i];
  }

  Base base_;
  Residual residual_;
};

}  // namespace amq
