// amq deploy: the best configuration of a search that fits a budget, written as a model folder and measured again.
#include "amq/compose/deploy.hpp"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "amq/compose/evaluators.hpp"
#include "amq/search/front.hpp"
#include "amq/store/sqlite_archive.hpp"
#include "archive_settings.hpp"
#include "interrupt.hpp"
#include "setup.hpp"

namespace amq::cli {
namespace {

/// What a search left behind, checked against the model and tokens that are there now.
struct finished_search {
  std::filesystem::path file;
  sqlite_archive archive;
  llama model;
  token_sequences tokens;
  format_space space;
};

void expect_same(std::string const& what, std::string const& now, settings_map const& settings, std::string const& key,
                 std::filesystem::path const& file) {
  if (setting(settings, key, file) != now)
    throw input_error(file.string() + " was made with another " + what + ": its SHA-256 was " +
                      setting(settings, key, file).substr(0, 12) + "... and is " + now.substr(0, 12) +
                      "... now; put the original back or search again");
}

finished_search open_search(deploy_options const& options) {
  auto const file = options.search / "archive.sqlite";
  auto archive = sqlite_archive::open_read_only(file);
  auto const& settings = archive.settings();
  auto model = llama::load(options.model ? *options.model : std::filesystem::path(setting(settings, "model", file)));
  expect_same("model", model.fingerprint(), settings, "model_sha256", file);
  token_options const selection{static_cast<int>(integer_setting(settings, "sequences", file)),
                                static_cast<int>(integer_setting(settings, "length", file))};
  auto const tokens_file = options.tokens ? *options.tokens : std::filesystem::path(setting(settings, "tokens", file));
  auto tokens = load_checked_tokens(tokens_file, selection, model);
  expect_same("selection of tokens", tokens.fingerprint(), settings, "tokens_sha256", file);

  std::vector<std::vector<format>> choices;
  for (auto const& layer : archive.layers()) choices.push_back(layer.choices);
  auto const linears = model.linears();
  if (choices.size() != linears.size())
    throw input_error(file.string() + " is about " + std::to_string(choices.size()) + " layers and the model has " +
                      std::to_string(linears.size()));
  format_space space({linears.begin(), linears.end()}, std::move(choices), model.other_bytes());
  return {file, std::move(archive), std::move(model), std::move(tokens), std::move(space)};
}

bool fits(evaluation const& e, deploy_options const& options) {
  return options.at_most_bits ? e.average_bits <= *options.at_most_bits : e.model_bytes <= *options.at_most_bytes;
}

/// The archive's losses are the proxy's. With another quantizer the best uniform configuration that fits may be better:
/// both are measured again, and the better one stays.
front_point checked_against_uniform(finished_search const& found, front_point point, deploy_options const& options,
                                    interruptible_executor& executor) {
  auto const& settings = found.archive.settings();
  if (options.quantizer == setting(settings, "proxy", found.file)) return point;
  std::vector<configuration> batch{point.configuration};
  std::vector<evaluation> uniform;
  for (auto const& e : found.archive.evaluations())
    if (e.phase == phase::uniform && fits(e, options)) uniform.push_back(e);
  for (auto const& e : uniform) batch.push_back(e.configuration);
  auto evaluator = make_evaluator(found.model, found.tokens, found.space, options.quantizer,
                                  setting(settings, "loss", found.file), executor);
  std::vector<measurement> measured(batch.size());
  evaluator.evaluate(batch, measured);
  point.loss = measured[0].loss;
  for (std::size_t i = 0; i < uniform.size(); ++i)
    if (measured[i + 1].error.empty() && !(point.loss <= measured[i + 1].loss))
      point = {uniform[i].configuration, uniform[i].average_bits, uniform[i].model_bytes, measured[i + 1].loss};
  return point;
}

front_point best(finished_search const& found, deploy_options const& options) {
  if (found.archive.evaluations().empty())
    throw input_error(found.file.string() + " holds no evaluation yet; continue the search with --resume");
  front const points(found.archive.evaluations());
  return options.at_most_bits ? points.best_within(*options.at_most_bits)
                              : points.best_within_bytes(*options.at_most_bytes);
}

nlohmann::ordered_json provenance(finished_search const& found, front_point const& point,
                                  deploy_options const& options) {
  auto const& settings = found.archive.settings();
  nlohmann::ordered_json json;
  for (char const* key : {"model", "model_sha256", "tokens", "tokens_sha256", "sequences", "length", "loss", "proxy",
                          "seed", "preset", "version"})
    json[key] = setting(settings, key, found.file);
  json["evaluations"] = found.archive.evaluations().size();
  json["search_loss"] = point.loss;
  if (options.at_most_bits) json["at_most_bits"] = *options.at_most_bits;
  if (options.at_most_bytes) json["at_most_bytes"] = *options.at_most_bytes;
  return json;
}

nlohmann::ordered_json describe(deployment const& made, front_point const& point, double seconds) {
  nlohmann::ordered_json json = to_json(made.calibration);
  json["average_bits"] = made.average_bits;
  json["linear_bytes"] = made.linear_bytes;
  json["model_bytes"] = made.model_bytes;
  json["file_bytes"] = made.file_bytes;
  json["search_loss"] = point.loss;
  json["seconds"] = seconds;
  if (made.heldout) json["heldout"] = to_json(*made.heldout);
  return json;
}

void print(deployment const& made, front_point const& point, deploy_options const& options, std::string const& loss) {
  std::printf("%s: %.4f average bits, %lld bytes as a packed model (%lld bytes of dequantized files)\n",
              options.out.c_str(), made.average_bits, static_cast<long long>(made.model_bytes),
              static_cast<long long>(made.file_bytes));
  std::printf("%s while searching %.6f\n\n%-22s %24s%s\n", loss.c_str(), point.loss, "measured again",
              "the search's tokens", made.heldout ? "         held-out tokens" : "");
  auto const line = [&](char const* name, estimate quality::*figure) {
    std::printf("%-22s %12.6f +- %8.6f", name, (made.calibration.*figure).value,
                (made.calibration.*figure).standard_error);
    if (made.heldout)
      std::printf(" %12.6f +- %8.6f", ((*made.heldout).*figure).value, ((*made.heldout).*figure).standard_error);
    std::printf("\n");
  };
  line("JSD", &quality::jsd);
  line("KL", &quality::kl);
  line("KL, 99th percentile", &quality::kl_p99);
  line("top-1 agreement", &quality::top1);
  line("perplexity", &quality::perplexity);
  line("reference perplexity", &quality::reference_perplexity);
}

}  // namespace

int deploy(deploy_options const& options) {
  auto const start = std::chrono::steady_clock::now();
  auto const found = open_search(options);
  auto point = best(found, options);
  std::optional<token_sequences> heldout;
  if (options.heldout)
    heldout = load_checked_tokens(*options.heldout,
                                  {static_cast<int>(found.tokens.count()), static_cast<int>(found.tokens.length())},
                                  found.model);
  interruptible_executor executor(threads_to_use(options.threads));
  point = checked_against_uniform(found, point, options, executor);
  deployment_tokens const tokens{found.tokens, heldout ? &*heldout : nullptr};
  deployment made;
  with_registered(proxies(), options.quantizer, "a quantizer", [&](auto const& quantizer) {
    made = amq::deploy(found.model, found.space, point.configuration, quantizer, tokens, options.out,
                       provenance(found, point, options), executor);
  });
  double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.json)
    std::printf("%s\n", describe(made, point, seconds).dump().c_str());
  else
    print(made, point, options, setting(found.archive.settings(), "loss", found.file));
  return exit_done;
}

}  // namespace amq::cli
