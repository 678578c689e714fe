// amq evaluate: how good one configuration is against the unquantized model.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "amq/compose/deploy.hpp"
#include "amq/space/targets/amq.hpp"
#include "engine.hpp"
#include "interrupt.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// The formats asked for, one a layer.
std::vector<format> choose(llama const& model, evaluate_options const& options) {
  if (options.bits) {
    check_bits(*options.bits);
    check_group(options.group, model.linears());
    return std::vector(model.linears().size(), format{*options.bits, options.group});
  }
  if (options.group_given) return read_configuration(*options.configuration, model.linears(), options.group);
  return read_configuration(*options.configuration, model.linears());
}

quality measure(llama const& model, token_sequences const& tokens, std::span<format const> formats,
                std::string const& quantizer, interruptible_executor& executor) {
  quantized_memory quantized;
  quantize_into(quantized, model, formats, tokens, quantizer, executor);
  for (auto const& note : quantized.notes()) std::fprintf(stderr, "amq: %s\n", note.c_str());
  reference_model const reference(model, tokens, executor);
  return quantized_quality(model, quantized, reference, tokens, executor);
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
  if (options.measure.precision != "automatic" && options.measure.precision != "f32")
    throw input_error("--precision " + options.measure.precision +
                      " is not offered by evaluate, which measures in f32");
  auto const quantizer = proxy_of(options.measure, "");
  expect_names("hqq", options.measure);
  expect_quantizer(quantizer);
  auto const model = llama::load(options.model);
  auto const tokens =
      load_checked_tokens(options.measure.tokens, {options.measure.sequences, options.measure.length}, model);
  auto const formats = choose(model, options);
  interruptible_executor executor(threads_to_use(options.measure.threads));
  quality const measured = measure(model, tokens, formats, quantizer, executor);

  nlohmann::ordered_json json = to_json(measured);
  json["loss"] = archived_loss(measured, options.measure.loss);
  std::vector<linear_layer> const layers(model.linears().begin(), model.linears().end());
  std::vector<std::vector<format>> only;
  for (format const f : formats) only.push_back({f});
  auto const space = format_space(layers, std::move(only), 0).in_target(amq_target(), model.other_bytes());
  auto const genes = space.highest();
  json["average_bits"] = space.average_bits(genes);
  json["linear_bytes"] = space.linear_bytes(genes);
  json["model_bytes"] = space.model_bytes(genes);
  json["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.json)
    std::printf("%s\n", json.dump().c_str());
  else
    print(measured, json);
  return exit_done;
}

}  // namespace amq::cli
