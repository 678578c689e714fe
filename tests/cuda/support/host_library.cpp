#include "cuda/support/host_library.hpp"

#include <cmath>

#include "amq/core/simd/attention.hpp"
#include "amq/evaluate/loss.hpp"
#include "amq/model/norm.hpp"
#include "amq/model/rope.hpp"

namespace amq::cuda {
namespace {

matrix_view<float const> rows_of(std::vector<float> const& values, index cols) {
  return {values.data(), std::ssize(values) / cols, cols};
}

}  // namespace

std::vector<float> host_rms_norm(std::vector<float> const& x, std::vector<float> const& weight, float epsilon) {
  auto out = x;
  auto const from = rows_of(x, std::ssize(weight));
  amq::detail::rms_norm_rows(from, weight, epsilon, {out.data(), from.rows, from.cols});
  return out;
}

std::vector<float> host_rope_frequencies(double theta, int size) { return rope_frequencies({.theta = theta}, size); }

std::vector<float> host_rotate(std::vector<float> const& row, std::vector<float> const& frequencies, int position) {
  auto out = row;
  rope_table table;
  table.prepare(frequencies, position + 1);
  table.rotate(std::span<float>(out), position);
  return out;
}

std::vector<float> host_attention(std::vector<float> const& q, std::vector<float> const& k, std::vector<float> const& v,
                                  int heads, int kv_heads, int size, int window) {
  std::vector<float> out(q.size()), scratch;
  auto const queries = rows_of(q, heads * size);
  simd::causal_attention(queries, rows_of(k, kv_heads * size), rows_of(v, kv_heads * size),
                         {out.data(), queries.rows, queries.cols},
                         {heads, kv_heads, 1 / std::sqrt(static_cast<float>(size)), window}, scratch);
  return out;
}

std::vector<double> host_jsd(std::vector<float> const& reference, std::vector<float> const& candidate, int vocabulary) {
  auto const p = rows_of(reference, vocabulary);
  std::vector<double> losses(static_cast<std::size_t>(p.rows));
  jsd{}.positions(p, rows_of(candidate, vocabulary), nullptr, losses.data());
  return losses;
}

}  // namespace amq::cuda
