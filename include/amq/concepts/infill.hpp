// infill: which of the optimizer's candidates are measured next.
#pragma once

#include <concepts>
#include <span>
#include <vector>

#include "amq/concepts/optimizer.hpp"

namespace amq {

struct infill_category {};

template <class I>
concept opts_in_as_infill = requires { requires std::same_as<typename I::policy_category, infill_category>; };
/// `select(candidates, front_bits, n, stream)` -> rows of candidates.genes, at most n. Candidates are unmeasured; their
/// objectives are (predicted loss, average bits). `front_bits`: average bits of the archive's front.
template <class I>
concept can_select =
    requires(I const& i, population const& candidates, std::span<double const> front_bits, index n, random_stream& r) {
      { i.select(candidates, front_bits, n, r) } -> std::same_as<std::vector<index>>;
    };

template <class I>
concept infill = opts_in_as_infill<I> && can_select<I>;

/// One sentence for each member that I lacks.
template <class I>
constexpr bool diagnose_infill() {
  static_assert(opts_in_as_infill<I>, "amq: an infill says so with `using policy_category = amq::infill_category;`");
  static_assert(can_select<I>,
                "amq: an infill needs `std::vector<index> select(population const& candidates, std::span<double const> "
                "front_bits, index n, random_stream&) const`, at most n rows of the candidates");
  return infill<I>;
}

}  // namespace amq
