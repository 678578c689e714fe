// The four policies of AMQ in one object: space, proxy, predictor and optimizer in, front and quantized model out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <type_traits>
#include <utility>

#include "amq/calibrate/statistics.hpp"
#include "amq/compose/deploy.hpp"
#include "amq/concepts/model_quantizer.hpp"
#include "amq/evaluate/proxy_evaluator.hpp"
#include "amq/model/llama.hpp"
#include "amq/search/front.hpp"
#include "amq/search/memory_archive.hpp"
#include "amq/search/presets/amq.hpp"
#include "amq/search/search.hpp"

namespace amq {

struct pipeline_options {
  search_seed seed;  ///< must be given: same seed, same front
  int threads = 1;   ///< results do not depend on it
  double sensitivity_threshold =
      default_sensitivity_threshold;  ///< x median: layers above it keep their highest choice
};

/// The size of a search, AMQ's published one by default.
struct pipeline_budget {
  index iterations = 200;
  index candidates = 50;  ///< measured in an iteration
  index initial = 250;    ///< measured before the first iteration, uniform configurations included
};

/// AMQ (arXiv 2509.12019) assembled at compile time: `pipeline<bit_space<bits<2, 3, 4>, group<128>>, hqq, rbf<>,
/// nsga2<>>`. Model and tokens must outlive it. The bank is built by the constructor: one quantization for each (layer,
/// choice).
template <class Space, class Proxy, class Predictor = rbf<>, class Optimizer = nsga2<>, class Loss = jsd,
          class Model = llama>
class pipeline {
  static_assert(diagnose_matrix_quantizer<Proxy>());
  static_assert(diagnose_loss<Loss>());

 public:
  /// Throws input_error when a group does not divide a layer's inputs or the tokens do not fit the model.
  pipeline(Model const& model, token_sequences const& tokens, pipeline_options options)
      : model_(model),
        tokens_(tokens),
        options_(options),
        executor_(options.threads),
        space_(Space::over({model.linears().begin(), model.linears().end()}, model.other_bytes())),
        evaluator_(model, checked(tokens, model), space_, Proxy{}, Loss{}, executor_, statistics(model, tokens)) {}

  format_space const& space() const { return space_; }
  memory_archive const& archive() const { return archive_; }

  /// Sensitivities, initial design, then `iterations` of predict, optimize, measure. A second call with more iterations
  /// goes on where the first ended.
  amq::front search(pipeline_budget const& size = {}, search_observer const& observer = {}) {
    auto const strategy = [this](format_space const& whole, search_budget const& budget) {
      amq_design_options const design{budget.initial, true, options_.sensitivity_threshold};
      if constexpr (std::is_same_v<Optimizer, nsga2<>>)
        return make_amq_strategy(whole, design, {}, Predictor{});  // with AMQ's optimizer, the program's preset `amq`
      else
        return surrogate_strategy<Predictor, Optimizer>(whole, {}, Predictor{}, Optimizer{}, spread_infill{},
                                                        amq_design(design));
    };
    search_budget const budget{space_.size() + size.initial + size.iterations * size.candidates, size.initial,
                               size.candidates};
    run_search(space_, evaluator_, archive_, strategy, {options_.seed, budget}, observer);
    return amq::front(archive_.evaluations());
  }

  /// Quantizes one point for good and writes a Hugging Face folder; see amq::deploy. `Quantizer` is a model_quantizer
  /// (awq), or a matrix_quantizer that is used block after block (hqq, gptq).
  template <class Quantizer>
  deployment deploy(front_point const& point, std::filesystem::path const& folder) {
    if constexpr (!matrix_quantizer<Quantizer>)
      static_assert(diagnose_model_quantizer<Quantizer, Model, token_sequences, thread_executor>());
    nlohmann::ordered_json const provenance{{"seed", options_.seed.value}, {"search_loss", point.loss}};
    return amq::deploy(model_, space_, point.configuration, Quantizer{}, {tokens_}, folder, provenance, executor_);
  }

 private:
  static token_sequences const& checked(token_sequences const& tokens, Model const& model) {
    check_tokens(tokens, model.config().vocabulary, model.config().max_length, "the tokens given to the pipeline");
    return tokens;
  }

  /// What the proxy learns of each layer's inputs from the calibration tokens, where it wants to.
  auto statistics(Model const& model, token_sequences const& tokens) {
    if constexpr (needs_statistics<Proxy>)
      return calibration_statistics::collect(model, tokens, executor_);
    else
      return no_statistics{};
  }

  Model const& model_;
  token_sequences const& tokens_;
  pipeline_options options_;
  thread_executor executor_;
  format_space space_;
  proxy_evaluator<Model, Proxy, Loss, thread_executor> evaluator_;
  memory_archive archive_;
};

}  // namespace amq
