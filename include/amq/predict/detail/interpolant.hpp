// The RBF's linear system, grown point by point: spanning points carry the tail, a Cholesky factor the rest.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "amq/core/matrix.hpp"
#include "amq/predict/detail/affine_basis.hpp"
#include "amq/predict/detail/dense.hpp"
#include "amq/predict/detail/growing_cholesky.hpp"
#include "amq/predict/detail/kernel_points.hpp"

namespace amq::detail {

/// (Phi + eta I) c + P l = y, P^T c = 0. The spanning points 0 determine the tail; every other point 1 is an affine
/// combination W of them, so P^T c = 0 means c0 = -W^T c1, and c1 solves S c1 = y1 - W y0 with
///     S = Phi11 + eta I - W Phi01 - U W^T,   U = Phi10 - W (Phi00 + eta I),
/// which is positive definite for kernels whose order is at most the tail's degree + 1. Without a tail there are no
/// spanning points, and S is Phi + eta I; a constant is spanned by the first point. A new point adds a row to W, U and
/// S and changes no other entry; a point that widens the span later has weight 0 in all earlier ones. Hence nothing is
/// ever factored twice.
template <class Kernel>
class interpolant {
 public:
  interpolant(index dimensions, std::optional<lattice> grid, Kernel kernel, int tail_degree, double eta)
      : eta_(eta),
        points_(dimensions, grid, kernel),
        basis_(dimensions, tail_degree),
        weights_(tile * tiles(basis_.most())),
        cross_(tile * tiles(basis_.most())),
        corner_(tile * tiles(basis_.most())) {}

  index size() const { return points_.size(); }
  index lifted() const { return factor_.lifted(); }

  /// Adds the rows of features (points, dimensions). O(m n (n + d)) for m points to n.
  void add(matrix_view<double const> features) {
    auto const old_spanning = std::ssize(spanning_);
    auto const old_others = std::ssize(others_);
    for (index i = 0; i < features.rows; ++i) classify(features.row(i));
    corner_.grow_to(std::ssize(spanning_));
    cross_.grow_to(std::ssize(others_));
    index const first = points_.size() - features.rows;
    for (index a = old_spanning; a < std::ssize(spanning_); ++a)
      fill_spanning(a, features.row(spanning_[at(a)] - first));
    for (index from = old_others; from < std::ssize(others_); from += tile)
      append_rows(features, first, from, std::min(tile, std::ssize(others_) - from));
  }

  /// Coefficients for these values at the points; `known` of them are those of the last call. O(n^2).
  void solve(std::span<double const> y, index known) {
    auto const n = std::ssize(others_);
    std::vector<double> right_side(at(tile * tiles(n)));
    for (index j = 0; j < n; ++j) right_side[at(j)] = y[at(others_[at(j)])];
    for (index b = 0; b < weights_.size(); ++b)
      for (index a = 0; a < std::ssize(spanning_); ++a)
        math_.subtract_scaled(right_side.data() + b * tile, y[at(spanning_[at(a)])], weights_.block(b).row(a).data(),
                              1);
    auto const same = std::lower_bound(others_.begin(), others_.end(), known) - others_.begin();
    reduced_.resize(right_side.size());
    factor_.solve_lower(reduced_, right_side, std::min<index>(same, solved_));
    solved_ = n;
    auto c1 = reduced_;
    factor_.solve_upper(c1);
    set_coefficients(y, c1);
  }

  /// out[i] is the value at row i of features (rows, dimensions); the same bits whatever rows are beside it.
  void evaluate(matrix_view<double const> features, std::span<double> out) const {
    for (index i = 0; i < features.rows; ++i) out[at(i)] = tail_.constant + tail_.along(features.row(i));
    points_.visit_kernel(features, [&](index row, index b, auto const& phi) {
      out[at(row)] += math_.dot(phi.data(), coefficients_.data() + b * tile, 1);
    });
  }

  /// y_i - s_-i(x_i) for each point i, where s_-i is the interpolant of all others: c_i over the i-th diagonal entry of
  /// the bordered system's inverse (Rippa 1999), which is |L^-1 e_i|^2 for the points 1 and |L^-1 W_i|^2 for the points
  /// 0, L the factor of S. O(n^3). There must be at least two points.
  std::vector<double> leave_one_out() const {
    std::vector<double> errors(at(size()));
    for (index from = 0; from < std::ssize(others_); from += tile) {
      index const count = std::min(tile, std::ssize(others_) - from);
      matrix<double> rows = columns(count);
      for (index r = 0; r < count; ++r) rows(r, from + r) = 1;
      factor_.solve_lower(rows, from);
      for (index r = 0; r < count; ++r) {
        auto const i = at(others_[at(from + r)]);
        errors[i] = coefficients_[i] / math_.dot(rows.row(r).data(), rows.row(r).data(), weights_.size());
      }
    }
    for (index from = 0; from < std::ssize(spanning_); from += tile)
      leave_spanning_out(from, std::min(tile, std::ssize(spanning_) - from), errors);
    return errors;
  }

  affine_basis::linear_function const& tail() const { return tail_; }
  std::span<double const> kernel_coefficients() const { return std::span(coefficients_).first(at(size())); }

 private:
  static constexpr double rounding = 1e-14;

  static std::size_t at(index i) { return static_cast<std::size_t>(i); }

  void classify(std::span<double const> features) {
    index const i = points_.size();
    points_.add(features);
    if (basis_.add(features)) {
      spanning_.push_back(i);
      place_.push_back(-std::ssize(spanning_));
      return;
    }
    others_.push_back(i);
    place_.push_back(std::ssize(others_) - 1);
    weights_.grow_to(std::ssize(others_));
    std::vector<double> weights(at(basis_.size()));
    basis_.weights(features, weights);
    for (index a = 0; a < std::ssize(weights); ++a) weights_(a, std::ssize(others_) - 1) = weights[at(a)];
  }

  /// visit(place, phi): place >= 0 is one of the others, place < 0 the spanning point -1 - place.
  template <class Visit>
  void visit_places(std::span<double const> features, Visit&& visit) const {
    matrix_view<double const> const one{features.data(), 1, std::ssize(features)};
    points_.visit_kernel(one, [&](index, index b, auto const& phi) {
      index const count = std::min(tile, size() - b * tile);
      for (index j = 0; j < count; ++j) visit(place_[at(b * tile + j)], phi[at(j)]);
    });
  }

  void fill_spanning(index a, std::span<double const> features) {
    visit_places(features, [&](index place, double phi) {
      if (place >= 0)
        cross_(a, place) = phi;
      else
        corner_(a, -1 - place) = corner_(-1 - place, a) = phi;
    });
    corner_(a, a) += eta_;
  }

  /// Rows `from` .. `from + count - 1` of W, U and S.
  void append_rows(matrix_view<double const> features, index first, index from, index count) {
    index const padded = (count + 3) / 4 * 4;
    index const span_width = tile * tiles(std::ssize(spanning_));
    matrix<double> w(padded, span_width), u(padded, span_width), s(padded, tile * tiles(from + count));
    for (index r = 0; r < count; ++r) {
      visit_places(features.row(others_[at(from + r)] - first), [&](index place, double phi) {
        if (place < 0)
          u(r, -1 - place) = cross_(-1 - place, from + r) = phi;
        else if (place <= from + r)
          s(r, place) = phi;
      });
      for (index a = 0; a < std::ssize(spanning_); ++a) w(r, a) = weights_(a, from + r);
      s(r, from + r) += eta_;
    }
    subtract(u, w, corner_);
    subtract(s, w, cross_);
    subtract(s, u, weights_);
    for (index r = 0; r < count; ++r)
      if (s(r, from + r) < rounding * scale_of(from + r)) s(r, from + r) = 0;
    factor_.append(s, count);
  }

  /// How large the products are that row i's diagonal is the difference of: a repeated spanning point has nothing but
  /// their rounding there when eta is 0, which must not count as information.
  double scale_of(index i) const {
    double phi = 0, weight = 0;
    for (index a = 0; a < std::ssize(spanning_); ++a) {
      phi = std::max(phi, std::abs(cross_.block(i / tile)(a, i % tile)));
      weight = std::max(weight, std::abs(weights_.block(i / tile)(a, i % tile)));
    }
    return phi * weight;
  }

  /// to -= from B, where B's rows beyond the spanning points are zero.
  void subtract(matrix<double>& to, matrix<double> const& from, column_blocks const& b) const {
    for (index j = 0; j < tiles(to.cols()); ++j)
      for (index k = 0; k < tiles(from.cols()); ++k)
        math_.subtract_product(to.data() + j * tile, to.cols(), from.data() + k * tile, from.cols(),
                               b.block(j).row(k * tile).data(), to.rows());
  }

  double row_dot(column_blocks const& b, index row, std::span<double const> x) const {
    double total = 0;
    for (index j = 0; j < b.size(); ++j) total += math_.dot(b.block(j).row(row).data(), x.data() + j * tile, 1);
    return total;
  }

  void set_coefficients(std::span<double const> y, std::span<double const> c1) {
    auto const k = std::ssize(spanning_);
    std::vector<double> c0(at(tile * tiles(k)));
    for (index a = 0; a < k; ++a) c0[at(a)] = -row_dot(weights_, a, c1);
    std::vector<double> left(at(k));
    for (index a = 0; a < k; ++a)
      left[at(a)] = y[at(spanning_[at(a)])] - row_dot(corner_, a, c0) - row_dot(cross_, a, c1);
    tail_ = basis_.interpolate(left);
    coefficients_.assign(at(tile * tiles(size())), 0.0);
    for (index a = 0; a < k; ++a) coefficients_[at(spanning_[at(a)])] = c0[at(a)];
    for (std::size_t j = 0; j < others_.size(); ++j) coefficients_[at(others_[j])] = c1[j];
  }

  /// Rows as wide as the factor, of zeros.
  matrix<double> columns(index count) const { return {(count + 3) / 4 * 4, tile * weights_.size()}; }

  void leave_spanning_out(index from, index count, std::span<double> errors) const {
    matrix<double> rows = columns(count);
    std::vector<double> leaning(at(count));  // the greatest weight in other points
    for (index r = 0; r < count; ++r)
      for (index b = 0; b < weights_.size(); ++b) {
        auto const weights = weights_.block(b).row(from + r);
        std::copy(weights.begin(), weights.end(), rows.row(r).begin() + b * tile);
        for (double const w : weights) leaning[at(r)] = std::max(leaning[at(r)], std::abs(w));
      }
    factor_.solve_lower(rows);
    for (index r = 0; r < count; ++r) {
      auto const i = at(spanning_[at(from + r)]);
      errors[i] = leaning[at(r)] > affine_basis::in_hull
                      ? coefficients_[i] / math_.dot(rows.row(r).data(), rows.row(r).data(), weights_.size())
                      : rise_above_others(from + r);
    }
  }

  /// What the tail loses at a spanning point that no other point leans on when that is left out: its slope across the
  /// others' hull, for g the gradient of the point's barycentric weight, times the distance 1 / |g| from there.
  double rise_above_others(index a) const {
    std::vector<double> only(spanning_.size());
    only[at(a)] = 1;
    auto const gradient = basis_.interpolate(only);
    return tail_.along(gradient.slopes) / gradient.along(gradient.slopes);
  }

  dense math_;
  double eta_;
  kernel_points<Kernel> points_;
  affine_basis basis_;
  std::vector<index> spanning_, others_;    // points, rising
  std::vector<index> place_;                // of each point: in others_, or -1 - its place in spanning_
  column_blocks weights_, cross_, corner_;  // W^T, Phi01, Phi00 + eta I: (spanning, points)
  growing_cholesky factor_;
  std::vector<double> reduced_;  // L^-1 (y1 - W y0)
  index solved_ = 0;
  affine_basis::linear_function tail_;
  std::vector<double> coefficients_;  // of all points, padded
};

}  // namespace amq::detail
