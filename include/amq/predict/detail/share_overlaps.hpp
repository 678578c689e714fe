// Overlaps of one configuration with all those of a fit, summed in full once and then changed gene by gene.
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "amq/predict/detail/share_features.hpp"

namespace amq::detail {

/// With each configuration of the fit: o, and the sum of squares of the blocks' overlaps and of neighbours' products.
struct overlap_sums {
  Eigen::VectorXf overlap, local;
};

/// Square roots of shares where genes match, by (layer, choice): what overlaps are sums of.
class share_overlaps {
 public:
  share_overlaps() = default;
  share_overlaps(matrix_view<gene const> genes, share_features const& features, effect_table const& effects,
                 block_places const& places)
      : choices_(effects.cols()),
        unit_(power_of_four_near(effects.maxCoeff())),
        roots_((effects / unit_).sqrt().cast<float>()) {
    matches_.setZero(genes.rows, effects.size());
    for (index i = 0; i < genes.rows; ++i)
      for (index l = 0; l < genes.cols; ++l)
        matches_(i, l * choices_ + genes(i, l)) = static_cast<float>(std::sqrt(features.shares(i, l)));
    members_.resize(static_cast<std::size_t>(places.blocks));
    for (std::size_t l = 0; l < places.block.size(); ++l)
      members_[static_cast<std::size_t>(places.block[l])].push_back(static_cast<index>(l));
  }

  /// Layers of each block.
  std::vector<std::vector<index>> const& members() const { return members_; }

  /// Remembers some configurations that were summed in full: those that differ from one of them in few genes cost two
  /// columns a gene. A sum depends on what was asked before by rounding only.
  class walker {
   public:
    explicit walker(share_overlaps const& all) : all_(&all) {}

    /// `sum`: of the configuration's effects.
    void operator()(std::vector<gene> const& genes, double sum, overlap_sums& out) {
      base const& from = nearest(genes);
      out.overlap = from.sums.overlap;
      out.local = from.sums.local;
      if (from.genes != genes) all_->change(from.genes, genes, from.blocks, out);
      out.overlap *= static_cast<float>(1 / std::sqrt(sum / all_->unit_));
      out.local *= static_cast<float>(1 / (sum / all_->unit_));
    }

   private:
    struct base {
      std::vector<gene> genes;
      Eigen::MatrixXf blocks;  // (configurations, blocks + 2): a column of zeros on either side
      overlap_sums sums;
    };

    /// One that differs in at most a third of the genes, or a new one.
    base const& nearest(std::vector<gene> const& genes) {
      std::size_t best = bases_.size(), least = genes.size() / 3 + 1;
      for (std::size_t k = 0; k < bases_.size(); ++k) {
        if (bases_[k].genes.empty()) continue;
        std::size_t differing = 0;
        for (std::size_t l = 0; l < genes.size(); ++l) differing += genes[l] != bases_[k].genes[l];
        if (differing < least) best = k, least = differing;
      }
      if (best < bases_.size()) return bases_[best];
      auto& made = bases_[next_];
      next_ = (next_ + 1) % bases_.size();
      made.genes = genes;
      all_->sum_in_full(genes, made.blocks, made.sums);
      return made;
    }

    share_overlaps const* all_;
    std::array<base, 6> bases_;
    std::size_t next_ = 0;
  };

 private:
  /// Its root is a power of two, so that the unit changes no bits.
  static double power_of_four_near(double x) { return std::ldexp(1.0, 2 * (std::ilogb(x) / 2)); }

  auto column(index layer, gene choice) const {
    return matches_.col(layer * choices_ + choice) * roots_(layer, choice);
  }

  void sum_in_full(std::vector<gene> const& genes, Eigen::MatrixXf& blocks, overlap_sums& sums) const {
    auto const n = matches_.rows();
    blocks.setZero(n, std::ssize(members_) + 2);
    sums.overlap.setZero(n);
    sums.local.setZero(n);
    for (index b = 0; b < std::ssize(members_); ++b) {
      auto sum = blocks.col(b + 1);
      for (index const l : members_[static_cast<std::size_t>(b)]) sum += column(l, genes[static_cast<std::size_t>(l)]);
      sums.overlap += sum;
      sums.local.array() += sum.array() * (sum + blocks.col(b)).array();
    }
  }

  /// Sums of `to` from those of `from`, block by block.
  void change(std::vector<gene> const& from, std::vector<gene> const& to, Eigen::MatrixXf const& blocks,
              overlap_sums& sums) const {
    // Changes of the block before and of this one; of full size at once, or g++ 12 sees a use after free.
    Eigen::VectorXf before(matches_.rows()), now(matches_.rows());
    bool before_changed = false;
    for (index b = 0; b < std::ssize(members_); ++b) {
      bool const changed = change_of(members_[static_cast<std::size_t>(b)], from, to, now);
      if (changed) {
        sums.overlap += now;
        // (U + d)^2 - U^2 + d (left + right); the left neighbour has its own change already.
        sums.local.array() += now.array() * (2 * blocks.col(b + 1) + now + blocks.col(b) + blocks.col(b + 2)).array();
        if (before_changed) sums.local.array() += now.array() * before.array();
        std::swap(before, now);
      }
      before_changed = changed;
    }
  }

  bool change_of(std::vector<index> const& layers, std::vector<gene> const& from, std::vector<gene> const& to,
                 Eigen::VectorXf& change) const {
    bool changed = false;
    for (index const l : layers) {
      gene const before = from[static_cast<std::size_t>(l)], after = to[static_cast<std::size_t>(l)];
      if (before == after) continue;
      if (!changed) change.setZero();
      change += column(l, after) - column(l, before);
      changed = true;
    }
    return changed;
  }

  index choices_ = 0;
  double unit_ = 1;          // of the effects under roots_: f32 holds neither 1e-50 nor 1e50
  Eigen::MatrixXf matches_;  // (configurations, layers x choices)
  Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> roots_;  // of effects: (layers, choices)
  std::vector<std::vector<index>> members_;
};

}  // namespace amq::detail
