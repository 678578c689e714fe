// infill: which of the optimizer's candidates are measured next.
#pragma once

#include <concepts>
#include <span>
#include <vector>

#include "amq/concepts/optimizer.hpp"
#include "amq/core/hypervolume_frame.hpp"

namespace amq {

struct infill_category {};

/// What an infill knows of the archive: its front, fewest bits first, and what hypervolumes are measured against.
struct infill_context {
  std::span<double const> front_bits;
  std::span<double const> front_losses;  ///< nats a position
  hypervolume_frame frame{};
};

namespace detail {
/// Stands for a predictor where a concept asks whether any is accepted.
struct any_predictor_of_loss {
  void predict(matrix_view<gene const>, std::span<double>) const {}
  void variance(matrix_view<gene const>, std::span<double>) const {}
  void draw(matrix_view<gene const>, random_stream&, std::span<double>) const {}
};
}  // namespace detail

template <class I>
concept opts_in_as_infill = requires { requires std::same_as<typename I::policy_category, infill_category>; };
/// `select(predictor, candidates, context, n, random)` -> rows of candidates.genes, at most n. Candidates are
/// unmeasured; their objectives are (predicted loss, average bits).
template <class I, class Predictor = detail::any_predictor_of_loss>
concept can_select = requires(I const& i, Predictor const& predictor, population const& candidates,
                              infill_context const& context, index n, random_stream& r) {
  { i.select(predictor, candidates, context, n, r) } -> std::same_as<std::vector<index>>;
};

template <class I, class Predictor = detail::any_predictor_of_loss>
concept infill = opts_in_as_infill<I> && can_select<I, Predictor>;

/// One sentence for each member that I lacks.
template <class I, class Predictor = detail::any_predictor_of_loss>
constexpr bool diagnose_infill() {
  static_assert(opts_in_as_infill<I>, "amq: an infill says so with `using policy_category = amq::infill_category;`");
  static_assert(can_select<I, Predictor>,
                "amq: an infill needs `std::vector<index> select(auto const& predictor, population const& candidates, "
                "infill_context const&, index n, random_stream&) const`, at most n rows of the candidates");
  return infill<I, Predictor>;
}

}  // namespace amq
