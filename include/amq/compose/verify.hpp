// Candidates for a budget out of an archive, quantized for real and measured: the proxy ranks budgets well, but
// neighbours at one budget poorly.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amq/compose/exporter.hpp"
#include "amq/compose/memory_budget.hpp"
#include "amq/compose/quantized_quality.hpp"
#include "amq/compose/refitted_source.hpp"
#include "amq/core/configuration.hpp"
#include "amq/indicate/correlation.hpp"
#include "amq/io/packed_model.hpp"
#include "amq/io/packed_model_writer.hpp"
#include "amq/search/front.hpp"
#include "amq/space/format_space.hpp"

namespace amq {

/// The measured configurations that fit, best proxy loss first, at most `count`; sizes as `space` counts them now. Of
/// equal losses the smaller, of equal sizes the first measured. O(n log n).
inline std::vector<front_point> best_candidates(std::span<evaluation const> measured, format_space const& space,
                                                size_budget const& budget, std::size_t count) {
  std::vector<front_point> fitting;
  for (auto const& e : measured) {
    if (!std::isfinite(e.loss) || e.fidelity != 1) continue;
    front_point point{e.configuration, space.average_bits(e.configuration), space.model_bytes(e.configuration), e.loss};
    if (budget.holds(point.average_bits, point.model_bytes)) fitting.push_back(std::move(point));
  }
  std::stable_sort(fitting.begin(), fitting.end(), [](front_point const& a, front_point const& b) {
    return a.loss != b.loss ? a.loss < b.loss : a.model_bytes < b.model_bytes;
  });
  std::vector<front_point> best;
  for (auto& point : fitting) {
    if (best.size() == count) break;
    auto const same = [&](front_point const& other) { return other.configuration == point.configuration; };
    if (std::none_of(best.begin(), best.end(), same)) best.push_back(std::move(point));
  }
  return best;
}

/// The quality's figure that a search with this loss looks at, nats a position.
inline double loss_of(quality const& measured, std::string_view loss) {
  if (loss == "kl") return measured.kl.value;
  if (loss == "cross_entropy") return std::log(measured.perplexity.value);
  return measured.jsd.value;
}

/// What quantizing a candidate for real gave.
struct verified_candidate {
  front_point point;  ///< its loss is the proxy's
  quality calibration;
  std::optional<quality> heldout;
};

/// Quantizes each candidate and measures it as files of the wanted format will hold it; one packed model at a time lies
/// in `scratch`. `quantize(sink, formats)`.
template <class Model, class Executor>
std::vector<verified_candidate> verify(Model const& source, format_space const& space,
                                       std::span<front_point const> candidates,
                                       std::function<void(quantized_sink&, std::span<format const>)> const& quantize,
                                       exporter<Model> const& files, token_sequences const& calibration,
                                       token_sequences const* heldout, std::filesystem::path const& scratch,
                                       Executor& executor) {
  reference_model const reference(source, calibration, executor);
  std::optional<reference_model> heldout_reference;
  if (heldout) heldout_reference.emplace(source, *heldout, executor);
  std::vector<std::string> vectors;
  for (auto const& other : source.others())
    if (other.shape.size() == 1) vectors.push_back(other.name);
  std::vector<verified_candidate> verified;
  for (auto const& candidate : candidates) {
    packed_model_writer writer(scratch, source.linears(), vectors);
    quantize(writer, space.formats(candidate.configuration));
    writer.commit();
    packed_model const stored(scratch);
    refitted_source<Model> const given(source, stored, files.zeros);
    verified_candidate result{candidate, quantized_quality(source, given, reference, calibration, executor), {}};
    if (heldout) result.heldout = quantized_quality(source, given, *heldout_reference, *heldout, executor);
    verified.push_back(std::move(result));
    std::filesystem::remove(scratch);
  }
  return verified;
}

/// Position of the least real loss, the first of equals.
inline std::size_t best_verified(std::span<verified_candidate const> verified, std::string_view loss) {
  AMQ_EXPECTS(!verified.empty(), "best_verified needs a candidate");
  std::size_t best = 0;
  for (std::size_t i = 1; i < verified.size(); ++i)
    if (loss_of(verified[i].calibration, loss) < loss_of(verified[best].calibration, loss)) best = i;
  return best;
}

/// Kendall's tau between the candidates' proxy losses and their real ones; nothing for fewer than two, or ties alone.
inline std::optional<double> rank_correlation(std::span<verified_candidate const> verified, std::string_view loss) {
  std::vector<double> proxy, real;
  for (auto const& each : verified) {
    proxy.push_back(each.point.loss);
    real.push_back(loss_of(each.calibration, loss));
  }
  return proxy.size() < 2 ? std::nullopt : kendall_tau(proxy, real);
}

}  // namespace amq
