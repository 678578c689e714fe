// amq evaluate: how good one configuration is against the unquantized model.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "amq/compose/deploy.hpp"
#include "amq/compose/evaluators.hpp"
#include "interrupt.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

struct chosen {
  format_space space;
  configuration genes;
};

/// The configuration asked for, in a space that has just the widths it uses.
chosen choose(llama const& model, evaluate_options const& options) {
  if (options.bits) {
    auto space = space_of(model, {*options.bits}, options.measure.group);
    auto genes = space.highest();
    return {std::move(space), std::move(genes)};
  }
  auto const group = options.group_given ? std::optional<int>(options.measure.group) : std::nullopt;
  auto const wanted = read_configuration(*options.configuration, model.linears(), group);
  auto space = space_of(model, wanted.bits, wanted.group);
  auto genes = space.from_bits(wanted.bits);
  return {std::move(space), std::move(genes)};
}

quality measure(llama const& model, token_sequences const& tokens, chosen const& what, std::string const& proxy,
                interruptible_executor& executor) {
  std::optional<quality> measured;
  with_registered(proxies(), proxy, "a proxy quantizer", [&](auto const& quantizer) {
    reference_model const reference(model, tokens, executor);
    auto const hidden = streamed_pass(
        model, tokens,
        [&](index layer) {
          auto const wanted = what.space.choices(layer)[what.genes[static_cast<std::size_t>(layer)]];
          return dense_matrix(quantized_weights(model, layer, quantizer, wanted));
        },
        executor);
    measured = measure_quality(reference, tokens, hidden, executor);
  });
  return *measured;
}

/// What an archive would record under the chosen loss, nats a position.
double archived_loss(quality const& measured, std::string const& loss) {
  if (loss == "kl") return measured.kl.value;
  if (loss == "cross_entropy") return std::log(measured.perplexity.value);
  return measured.jsd.value;
}

void print(quality const& q, nlohmann::ordered_json const& json) {
  auto const line = [](char const* name, estimate const& figure) {
    std::printf("%-22s %12.6f  +- %.6f\n", name, figure.value, figure.standard_error);
  };
  line("JSD", q.jsd);
  line("KL", q.kl);
  line("KL, 99th percentile", q.kl_p99);
  line("top-1 agreement", q.top1);
  line("perplexity", q.perplexity);
  line("reference perplexity", q.reference_perplexity);
  std::printf("%-22s %12.6f\n", "average bits", json["average_bits"].get<double>());
  std::printf("%-22s %12.0f\n", "linear bytes", json["linear_bytes"].get<double>());
  std::printf("%-22s %12lld\n", "model bytes", static_cast<long long>(json["model_bytes"].get<std::int64_t>()));
}

}  // namespace

int evaluate(evaluate_options const& options) {
  auto const start = std::chrono::steady_clock::now();
  check_measuring(options.measure);
  with_registered(losses(), options.measure.loss, "a loss", [](auto const&) {});
  auto const model = llama::load(options.model);
  auto const tokens =
      load_checked_tokens(options.measure.tokens, {options.measure.sequences, options.measure.length}, model);
  auto const what = choose(model, options);
  interruptible_executor executor(threads_to_use(options.measure.threads));
  quality const measured = measure(model, tokens, what, options.measure.proxy, executor);

  nlohmann::ordered_json json = to_json(measured);
  json["loss"] = archived_loss(measured, options.measure.loss);
  json["average_bits"] = what.space.average_bits(what.genes);
  json["linear_bytes"] = what.space.linear_bytes(what.genes);
  json["model_bytes"] = what.space.model_bytes(what.genes);
  json["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.json)
    std::printf("%s\n", json.dump().c_str());
  else
    print(measured, json);
  return exit_done;
}

}  // namespace amq::cli
